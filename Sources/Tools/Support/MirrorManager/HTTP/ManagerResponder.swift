// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import MirrorWire
internal import NIOCore
internal import NodeSupport

/// Finds the route of each request, lets its sender in or not, reads the body, and makes an answer of everything.
struct ManagerResponder: HTTPResponder {
    typealias Context = RequestOrigin

    /// The longest body of a single document: 1 MiB.
    static let maximumBodyBytes = 1 << 20
    /// The longest body of many: 16 MiB.
    static let maximumListBytes = 16 << 20

    /// What bounds a body of many documents.
    static var listLimits: JSONLimits {
        var limits = JSONLimits(maximumBytes: maximumListBytes)
        limits.maximumValues = 1_000_000
        return limits
    }

    let service: ManagerService

    func respond(to request: Request, context: RequestOrigin) async throws -> Response {
        let clock = ContinuousClock.now
        var response = await answer(request, context)
        if let name = HTTPField.Name(MirrorWire.capabilityHeader) {
            response.headers[name] = MirrorWire.capabilityVersion
        }
        if let name = HTTPField.Name("X-Content-Type-Options") { response.headers[name] = "nosniff" }
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        service.metrics.count(response.status.code, .now - clock)
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(_ request: Request, _ origin: RequestOrigin) async -> Response {
        let path = request.uri.path
        switch Route.find(request.method, path) {
        case .notFound:
            return path.hasPrefix("/api/") ? .error(.notFound, "there is no such route") : .notFoundPage
        case .redirect(let target):
            let isRead = request.method == .get || request.method == .head
            return .redirect(to: target, query: request.uri.query ?? "", isRead: isRead)
        case .found(let route): return await answer(request, route, origin)
        }
    }

    private func answer(_ request: Request, _ route: Route, _ origin: RequestOrigin) async -> Response {
        let principal: Principal
        switch service.access.admit(request.head, route) {
        case .admitted(let admitted): principal = admitted
        case .refused(let status, let reason):
            service.metrics.refused.increment()
            var response = Response.error(status, reason)
            if status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
            return response
        }
        do {
            let body = try await body(of: request, route)
            let inquiry = Inquiry(
                route: route, method: request.method, path: request.uri.path, query: request.uri.query ?? "",
                headers: request.headers, body: body, principal: principal, remote: origin.remote)
            return try await service.answer(inquiry)
        } catch let refusal as Refusal {
            return .refusal(refusal)
        } catch let error as WireError {
            return .error(error.code == .limitExceeded ? .contentTooLarge : .badRequest, error.message)
        } catch ServiceFault.unreachable(let worker) {
            return .error(.badGateway, "the worker cannot be reached: \(worker)")
        } catch is NIOTooManyBytesError {
            return .error(.contentTooLarge, "the body has more than \(limit(of: route)) bytes")
        } catch {
            origin.logger.error("a request failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            return .error(.internalServerError, "the request failed; the manager's log says why")
        }
    }

    private func body(of request: Request, _ route: Route) async throws -> [UInt8] {
        guard request.method == .post else { return [] }
        let limit = limit(of: route)
        if let text = request.headers[.contentLength], let length = Int(text), length > limit {
            throw NIOTooManyBytesError(maxBytes: limit)
        }
        let buffer = try await request.body.collect(upTo: limit)
        return Array(buffer.readableBytesView)
    }

    private func limit(of route: Route) -> Int {
        switch route {
        case .postSchedules, .workerEvents, .heartbeat: Self.maximumListBytes
        default: Self.maximumBodyBytes
        }
    }
}
