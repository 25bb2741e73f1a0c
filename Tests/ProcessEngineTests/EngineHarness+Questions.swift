import Foundation
import ProcessEngine
import StateStore
import Testing

/// Short ways to say what a test does.
extension EngineHarness {
    static let modelFolder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Models")

    static func resource(_ name: String) throws -> DeploymentResource {
        let file = modelFolder.appending(path: "\(name).bpmn")
        return DeploymentResource(name: "\(name).bpmn", content: Array(try Data(contentsOf: file)))
    }

    @discardableResult
    func deploy(_ models: [String]) throws -> Answer.Deployment { try deploy(models.map { try Self.resource($0) }) }

    @discardableResult
    func deploy(_ resources: [DeploymentResource]) throws -> Answer.Deployment {
        let answer = try send(.deploy(resources: resources, tenantID: defaultTenantID))
        guard case .deployed(let deployment) = answer else {
            throw EngineFault("Expected an answer to the deployment, but got \(String(describing: answer))")
        }
        return deployment
    }

    /// A model file with something replaced: another version of it.
    func deploy(_ model: String, replacing old: String, by new: String) throws {
        var resource = try Self.resource(model)
        let text = String(decoding: resource.content, as: UTF8.self)
        precondition(text.contains(old), "Expected '\(old)' in \(model)")
        resource.content = Array(text.replacingOccurrences(of: old, with: new).utf8)
        try deploy([resource])
    }

    func start(_ processID: String, _ variables: [String: String] = [:]) throws -> Key {
        try create(.init(definition: .processID(processID, version: nil), variables: document(variables)))
    }

    func create(_ command: Command.CreateInstance) throws -> Key {
        guard case .instanceCreated(let created) = try send(.createInstance(command)) else {
            throw EngineFault("Expected an answer to the creation")
        }
        return created.processInstanceKey
    }

    func document(_ variables: [String: String]) -> VariableDocument {
        VariableDocument(variables.sorted { $0.key < $1.key }.map { .init(name: $0.key, value: Array($0.value.utf8)) })
    }

    // MARK: Jobs

    func activate(
        _ type: String,
        limit: Int32 = 1_000,
        timeout: Int64 = 60_000,
        worker: String = "worker",
        fetch: [String] = [],
        withLease: Bool = false
    ) throws -> [Answer.ActivatedJob] {
        let command = Command.ActivateJobs(
            type: type,
            worker: worker,
            timeoutMilliseconds: timeout,
            limit: limit,
            fetchVariables: fetch,
            withLease: withLease
        )
        guard case .jobsActivated(let jobs) = try send(.activateJobs(command)) else {
            throw EngineFault("Expected an answer to the activation")
        }
        return jobs
    }

    /// Activates the one job of this type there is.
    func job(_ type: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> Answer.ActivatedJob {
        let jobs = try activate(type)
        #expect(jobs.count == 1, "jobs of type \(type)", sourceLocation: sourceLocation)
        return try #require(jobs.first, sourceLocation: sourceLocation)
    }

    /// Does the one job of this type there is.
    func work(
        _ type: String,
        _ variables: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try complete(try job(type, sourceLocation: sourceLocation).key, variables)
    }

    func complete(_ job: Key, _ variables: [String: String] = [:]) throws {
        try send(.completeJob(job, variables: document(variables), lease: nil))
    }

    func fail(_ job: Key, retries: Int32, backOff: Int64 = 0, _ variables: [String: String] = [:]) throws {
        let failure = Command.FailJob(
            retries: retries,
            errorMessage: "it broke",
            retryBackOffMilliseconds: backOff,
            variables: document(variables)
        )
        try send(.failJob(job, failure, lease: nil))
    }

    func throwError(_ job: Key, _ code: String, _ variables: [String: String] = [:]) throws {
        let error = Command.ThrowJobError(errorCode: code, errorMessage: "no", variables: document(variables))
        try send(.throwJobError(job, error, lease: nil))
    }

    // MARK: Messages

    @discardableResult
    func publish(
        _ name: String,
        key: String = "",
        ttl: Int64 = 0,
        id: String? = nil,
        _ variables: [String: String] = [:]
    ) throws -> Answer? {
        try send(publication(name, key: key, ttl: ttl, id: id, variables))
    }

    func publication(
        _ name: String,
        key: String = "",
        ttl: Int64 = 0,
        id: String? = nil,
        _ variables: [String: String] = [:]
    ) -> Command {
        .publishMessage(
            .init(
                name: name,
                correlationKey: key,
                timeToLiveMilliseconds: ttl,
                messageID: id,
                variables: document(variables)
            )
        )
    }

    // MARK: Questions

    func instanceState(_ key: Key) throws -> InstanceState? { try state.processInstance(key)?.state }

    /// Ids of the elements of an instance that have not ended, in the order in which they were entered.
    func active(_ instance: Key) throws -> [String] {
        try elements(instance).filter { !$0.state.isFinal }.map(\.elementID)
    }

    /// Element instances of an instance, without the process itself.
    func elements(_ instance: Key) throws -> [ElementInstanceRecord] {
        try StateDump.elementInstances(state).filter { $0.processInstanceKey == instance && $0.key != instance }
    }

    func element(_ id: String, in instance: Key) throws -> ElementInstanceRecord {
        try #require(try elements(instance).last { $0.elementID == id }, "element \(id)")
    }

    /// States in which instances of an element are, in the order in which they were entered.
    func states(of id: String, in instance: Key) throws -> [ElementState] {
        try elements(instance).filter { $0.elementID == id }.map(\.state)
    }

    /// The text of a variable directly in a scope.
    func variable(_ name: String, in scope: Key, of instance: Key? = nil) throws -> String? {
        try state.variable(name, scope: scope, processInstance: instance ?? scope)
            .map { String(decoding: $0.value, as: UTF8.self) }
    }

    func variables(of scope: Key) throws -> [String: String] {
        let found = try state.variables(scope: scope, processInstance: scope)
        return Dictionary(uniqueKeysWithValues: found.map { ($0.name, String(decoding: $0.value, as: UTF8.self)) })
    }

    /// Unresolved incidents of an instance.
    func incidents(_ instance: Key) throws -> [IncidentRecord] {
        try StateDump.incidents(state).filter { $0.processInstanceKey == instance && !$0.isResolved }
    }

    func incident(_ instance: Key, sourceLocation: SourceLocation = #_sourceLocation) throws -> IncidentRecord {
        let found = try incidents(instance)
        #expect(found.count == 1, "incidents", sourceLocation: sourceLocation)
        return try #require(found.first, sourceLocation: sourceLocation)
    }

    func resolve(_ incident: Key) throws { try send(.resolveIncident(incident)) }

    func userTask(_ instance: Key) throws -> UserTaskRecord {
        let element = try #require(try elements(instance).last { $0.kind == "userTask" })
        return try #require(try element.waitsFor.flatMap { try state.userTask($0) })
    }

    /// Instances of a process, oldest first.
    func instances(of processID: String) throws -> [ProcessInstanceRecord] {
        try StateDump.processInstances(state).filter {
            try state.definition($0.definitionKey)?.processID == processID
        }
    }
}
