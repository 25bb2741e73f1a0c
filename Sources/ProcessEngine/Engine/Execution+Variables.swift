import BPMNModel
import FEEL

extension Execution {
    /// Writes a variable exactly in a scope.
    func setLocal(_ name: String, _ value: [UInt8], scope: Key, instance: Key) throws {
        if let known = try state.variable(name, scope: scope, processInstance: instance) {
            if known.value != value { try emit(.variableUpdated(known.key, value: value)) }
        } else {
            try create(name, value, scope: scope, instance: instance)
        }
    }

    /// Writes a variable into the nearest scope that holds its name, else into the process instance.
    func propagate(_ name: String, _ value: [UInt8], chain: ArraySlice<Key>, instance: Key) throws {
        for scope in chain {
            if let known = try state.variable(name, scope: scope, processInstance: instance) {
                if known.value != value { try emit(.variableUpdated(known.key, value: value)) }
                return
            }
        }
        try create(name, value, scope: instance, instance: instance)
    }

    private func create(_ name: String, _ value: [UInt8], scope: Key, instance: Key) throws {
        try emit(
            .variableCreated(
                VariableRecord(
                    key: newKey(),
                    scopeKey: scope,
                    processInstanceKey: instance,
                    name: name,
                    value: value
                )
            )
        )
    }

    /// Variables of a new scope that surely holds none yet.
    func createAll(_ document: VariableDocument, scope: Key, instance: Key) throws {
        for entry in document.entries { try create(entry.name, entry.value, scope: scope, instance: instance) }
    }

    func setAllLocal(_ document: VariableDocument, scope: Key, instance: Key) throws {
        for entry in document.entries { try setLocal(entry.name, entry.value, scope: scope, instance: instance) }
    }

    func propagateAll(_ document: VariableDocument, chain: ArraySlice<Key>, instance: Key) throws {
        for entry in document.entries { try propagate(entry.name, entry.value, chain: chain, instance: instance) }
    }

    /// Everything visible from a scope; inner values hide outer ones. In the order of names within each scope,
    /// outermost scope first.
    func visibleVariables(chain: [Key], instance: Key, only names: [String]) throws -> VariableDocument {
        if !names.isEmpty {
            var entries: [VariableDocument.Entry] = []
            for name in names where !entries.contains(where: { $0.name == name }) {
                for scope in chain {
                    if let found = try state.variable(name, scope: scope, processInstance: instance) {
                        entries.append(.init(name: name, value: found.value))
                        break
                    }
                }
            }
            return VariableDocument(entries)
        }
        var entries: [VariableDocument.Entry] = []
        var positions: [String: Int] = [:]
        for scope in chain.reversed() {
            for found in try state.variables(scope: scope, processInstance: instance) {
                if let position = positions[found.name] {
                    entries[position].value = found.value
                } else {
                    positions[found.name] = entries.count
                    entries.append(.init(name: found.name, value: found.value))
                }
            }
        }
        return VariableDocument(entries)
    }

    /// Runs the input mappings: variables local to the element, in order, later sources see earlier targets. A nested
    /// target replaces the whole variable locally (camunda8.md, section 2.3).
    func applyInputMappings(_ active: ActiveElement, chain: [Key]) throws {
        let mappings = active.element.inputMappings
        guard !mappings.isEmpty else { return }
        var local: [String: FEELValue] = [:]
        var order: [String] = []
        for mapping in mappings {
            let value = try mappedValue(mapping, active: active, chain: chain, overlay: local)
            let name = mapping.target[0]
            if local[name] == nil { order.append(name) }
            local[name] = nested(mapping.target.dropFirst(), value: value, in: local[name])
        }
        for name in order {
            guard let value = local[name] else { continue }
            try setLocal(name, VariableConversion.json(of: value), scope: active.key, instance: active.instance.key)
        }
    }

    /// Runs the output mappings: what they name leaves the element, nothing else. A nested target keeps its siblings.
    func applyOutputMappings(_ active: ActiveElement, chain: [Key]) throws {
        let mappings = active.element.outputMappings
        guard !mappings.isEmpty else { return }
        var results: [(name: String, value: FEELValue)] = []
        for mapping in mappings {
            let value = try mappedValue(mapping, active: active, chain: chain, overlay: [:])
            let name = mapping.target[0]
            let position = results.firstIndex { $0.name == name }
            var base = position.map { results[$0].value }
            if base == nil, mapping.target.count > 1 {
                base = try stored(name, chain: chain.dropFirst(), instance: active.instance.key)
            }
            let merged = nested(mapping.target.dropFirst(), value: value, in: base)
            if let position { results[position].value = merged } else { results.append((name, merged)) }
        }
        for (name, value) in results {
            try propagate(
                name,
                VariableConversion.json(of: value),
                chain: chain.dropFirst(),
                instance: active.instance.key
            )
        }
    }

    private func stored(_ name: String, chain: ArraySlice<Key>, instance: Key) throws -> FEELValue? {
        for scope in chain {
            if let found = try state.variable(name, scope: scope, processInstance: instance) {
                return try VariableConversion.value(of: found.value)
            }
        }
        return nil
    }

    private func mappedValue(
        _ mapping: VariableMapping,
        active: ActiveElement,
        chain: [Key],
        overlay: [String: FEELValue]
    ) throws -> FEELValue {
        guard let source = mapping.source else { return .null }
        do {
            return try evaluate(source, in: active, chain: chain, overlay: overlay)
        } catch let failure as StepFailure {
            throw StepFailure(type: .ioMapping, message: failure.message)
        }
    }

    /// A context with `value` at the end of the path; other entries of `base` stay.
    private func nested(_ path: ArraySlice<String>, value: FEELValue, in base: FEELValue?) -> FEELValue {
        guard let name = path.first else { return value }
        var context = FEELContext()
        if case .context(let known) = base { context = known }
        context[name] = nested(path.dropFirst(), value: value, in: context[name])
        return .context(context)
    }
}
