// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit

/// A frame that was found in the log when it was opened.
package struct RecoveredFrame: Hashable, Sendable {
    /// What the payload holds; never a batch mark.
    package let kind: FrameKind
    /// The position of the frame's first byte.
    package let position: LogPosition
    /// The position of the payload's first byte.
    package let payloadPosition: LogPosition
    /// The position behind the frame.
    package let end: LogPosition
}
