// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport

/// What a control client needs to find its manager, from a chain of small files that each overlay the former.
package struct ControlConfig: Hashable, Sendable {
    /// A host name or an address; or a whole address with `http://` or `https://`.
    package var managerAddress: String
    package var managerPort: Int
    package var token: Secret?
    package var tls: ClientTLSSettings
    /// The files that were there, in their order.
    package var files: [String]

    /// The manager on this machine.
    package init() {
        managerAddress = ControlConfig.standardHost
        managerPort = ControlConfig.standardPort
        token = nil
        tls = ClientTLSSettings()
        files = []
    }

    /// The host when nothing is written.
    package static let standardHost = "localhost"
    /// The port when nothing is written.
    package static let standardPort = 14242

    /// The manager as a client addresses it.
    ///
    /// As with tunasync, a CA means `https`; so does a client's certificate. `manager_addr = "https://HOST"` does it with the
    /// system's authorities.
    ///
    /// - Throws: ``NodeError`` with `configurationInvalid` when address or port, which the command line may have set, cannot be.
    package func manager() throws(NodeError) -> ManagerAddress {
        let usesTLS = tls.authorities != nil || tls.certificate != nil
        var host = managerAddress
        var scheme = usesTLS ? "https" : "http"
        if let end = host.firstRange(of: "://") {
            scheme = host[..<end.lowerBound].lowercased()
            host = String(host[end.upperBound...])
            while host.last == "/" { host.removeLast() }
        }
        if IPAddress.version6Bytes(host) != nil { host = "[\(host)]" }
        let hasPort = host.last != "]" && host.contains(":") && !host.hasSuffix(":")
        let text = "\(scheme)://\(host)" + (hasPort || host.contains("/") ? "" : ":\(managerPort)")
        guard let base = BaseURL.parse(text), (1...65535).contains(managerPort) else {
            throw NodeError(
                .configurationInvalid,
                "manager_addr \"\(Shown.short(managerAddress))\" and manager_port \(managerPort) are no address of a manager; "
                    + "write a host, or https://HOST")
        }
        return ManagerAddress(baseURL: base, token: token, tls: tls)
    }

    // MARK: Reading

    /// The files of the chain but for the one on the command line.
    ///
    /// - Parameter home: The user's home folder; nil when there is none.
    /// - Returns: The paths in the order in which they are read.
    package static func standardFiles(home: String?) -> [String] {
        var files = ["/etc/tunasync/ctl.conf", "/etc/kuiper/mirror-ctl.conf"]
        if let home, !home.isEmpty {
            files += [home + "/.config/tunasync/ctl.conf", home + "/.config/kuiper/mirror-ctl.conf"]
        }
        return files
    }

    /// Reads the chain.
    ///
    /// - Parameters:
    ///   - files: Files that may be absent, in their order.
    ///   - named: The file of the command line, which must be there.
    /// - Returns: What they say together, nil when there is an error; and all errors and warnings.
    package static func read(
        files: [String], named: String? = nil
    ) -> (configuration: ControlConfig?, problems: [ConfigProblem]) {
        let report = ConfigReport(file: named ?? files.first ?? "ctl.conf")
        var configuration = ControlConfig()
        for file in files { configuration.overlay(file, mustExist: false, report: report) }
        if let named { configuration.overlay(named, mustExist: true, report: report) }
        return (report.hasErrors ? nil : configuration, report.problems)
    }

    /// Reads the chain, which must be right.
    ///
    /// - Parameters:
    ///   - files: Files that may be absent, in their order.
    ///   - named: The file of the command line, which must be there.
    /// - Returns: What they say together, and warnings.
    /// - Throws: ``NodeError`` with `configurationInvalid`, whose message has a line for each error.
    package static func load(
        files: [String], named: String? = nil
    ) throws(NodeError) -> (configuration: ControlConfig, problems: [ConfigProblem]) {
        let (configuration, problems) = read(files: files, named: named)
        guard let configuration else { throw .configuration(problems.filter { $0.severity == .error }) }
        return (configuration, problems)
    }

    private mutating func overlay(_ file: String, mustExist: Bool, report: ConfigReport) {
        let place = ConfigPlace(file: file, line: 1)
        do {
            let limit = TOMLDocument.maximumBytes
            guard let bytes = try BoundedFile.readIfPresent(path: file, limit: limit) else {
                if mustExist { report.add(.error, at: place, "\(file): there is no such file; check the path") }
                return
            }
            files.append(file)
            guard let root = TOMLDocument.parse(bytes, report: report, file: file) else { return }
            read(ConfigSection(root: root, report: report, manual: MirrorManual.page), report: report)
        } catch {
            report.add(mustExist ? .error : .warning, at: place, error.message)
        }
    }

    private mutating func read(_ root: ConfigSection, report: ConfigReport) {
        let reading = ServerReading(report: report)
        if let address = root.text("manager_addr"), !address.value.isEmpty { managerAddress = address.value }
        if let port = root.integer("manager_port", in: 0...65535), port.value != 0 { managerPort = port.value }
        let client = reading.client(root)
        if let authorities = client.authorities { tls.authorities = authorities }
        if let certificate = client.certificate, let key = client.key {
            tls.certificate = certificate
            tls.key = key
        }
        if let secret = SecretFile(report: report).read("token", in: root) { token = secret.value }
        root.finish(.warning)
    }
}
