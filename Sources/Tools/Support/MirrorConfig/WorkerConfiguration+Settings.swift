// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension WorkerConfiguration {
    /// A configuration that no file says.
    package init(settings: WorkerSettings) {
        self.init(settings: settings, files: [], origins: [:], mirrorOrigins: [:])
    }
}
