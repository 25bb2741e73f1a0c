import BPMNModel
import FEEL

/// A process model ready for execution: expressions are parsed once.
final class CompiledProcess {
    let definition: DefinitionRecord
    let model: ProcessModel
    private var expressions: [String: FEELExpression] = [:]
    /// For each scope: the positions of the joining gateways directly inside.
    let joiningGateways: [Int: [Int]]

    init(definition: DefinitionRecord, model: ProcessModel) {
        self.definition = definition
        self.model = model
        var gateways: [Int: [Int]] = [:]
        for (index, element) in model.elements.enumerated()
        where element.kind == .parallelGateway && element.incoming.count > 1 {
            gateways[element.parent ?? 0, default: []].append(index)
        }
        self.joiningGateways = gateways
    }

    /// - Throws: `StepFailure` for text that is no expression; deployed models have none.
    func expression(_ source: String) throws -> FEELExpression {
        if let known = expressions[source] { return known }
        do {
            let parsed = try FEELExpression(source)
            expressions[source] = parsed
            return parsed
        } catch {
            throw StepFailure(type: .extractValue, message: "Expected an expression, but got '\(source)': \(error)")
        }
    }
}

/// Compiled processes by definition key. Definitions never change, so only a rollback can make an entry wrong.
final class DefinitionCache {
    private static let entryLimit = 512
    private var processes: [Key: CompiledProcess] = [:]
    /// Whether something was added since the last mark.
    private(set) var hasNewSinceMark = false

    func mark() { hasNewSinceMark = false }

    func process(
        _ key: Key,
        state: any EngineState,
        environment: EngineEnvironment
    ) throws -> CompiledProcess {
        if let known = processes[key] { return known }
        guard let definition = try state.definition(key), let resource = try state.resource(definition.resourceKey)
        else { throw EngineFault("Expected the process definition \(key) in the state, but it is not there") }
        let models: [ProcessModel]
        do {
            models = try environment.modelReader.models(in: resource.content, resourceName: resource.name)
        } catch {
            throw EngineFault("Expected a readable resource of definition \(key), but got: \(error.reason)")
        }
        guard let model = models.first(where: { $0.id == definition.processID }) else {
            throw EngineFault("Expected process \(definition.processID) in its resource, but it is not there")
        }
        if processes.count >= DefinitionCache.entryLimit { processes.removeAll() }
        let process = CompiledProcess(definition: definition, model: model)
        processes[key] = process
        hasNewSinceMark = true
        return process
    }

    func removeAll() { processes.removeAll() }
}
