// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Waits until a condition holds; the test's time limit is the only other end.
///
/// It looks now and then, so that those whom it waits for have the processor.
package func eventually(_ condition: () -> Bool) async {
    // Cancelled by the time limit: then the test ends with whatever holds.
    while !condition(), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
}
