import BPMNModel

extension Execution {
    /// Looks for the event that catches an error, from an element instance outwards, across calls.
    func catchingEvent(
        code: String,
        from origin: ActiveElement,
        includingOrigin: Bool
    ) throws -> (event: Int, host: ActiveElement)? {
        var current: ActiveElement? = origin
        var isOrigin = true
        while let host = current {
            if includingOrigin || !isOrigin, let event = catchEvent(for: code, at: host) { return (event, host) }
            isOrigin = false
            if let scope = host.record.scopeKey {
                current = try located(scope)
            } else if let caller = host.instance.record.parentElementInstanceKey {
                current = try located(caller)
            } else {
                current = nil
            }
        }
        return nil
    }

    /// Goes on at the event that catches an error.
    ///
    /// - Returns: whether there is one.
    func throwError(
        code: String,
        variables: VariableDocument,
        from origin: ActiveElement,
        includingOrigin: Bool
    ) throws -> Bool {
        guard let caught = try catchingEvent(code: code, from: origin, includingOrigin: includingOrigin) else {
            return false
        }
        try triggerBoundary(caught.event, host: caught.host, variables: variables)
        return true
    }

    /// The boundary event of `host` that catches the code: an exact one before a catch-all.
    private func catchEvent(for code: String, at host: ActiveElement) -> Int? {
        guard host.record.state == .activated else { return nil }
        var catchAll: Int?
        for index in host.element.boundaryEvents {
            guard case .error(let definition) = host.model.elements[index].event else { continue }
            switch definition.code {
            case .none: if catchAll == nil { catchAll = index }
            case .literal(code), .feel(code): return index
            default: continue
            }
        }
        return catchAll
    }
}
