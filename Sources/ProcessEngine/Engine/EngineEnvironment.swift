package import BPMNModel
package import FEEL

/// Turns the bytes of a deployed file into models. The engine itself knows no XML.
package protocol ModelReader: Sendable {
    /// - Throws: a rejection that lists every fault of the file.
    func models(in content: [UInt8], resourceName: String) throws(Rejection) -> [ProcessModel]
}

/// Bounds of what one command may do.
package struct EngineLimits: Hashable, Sendable {
    /// Steps taken by one command before the rest is stored for a later batch.
    package var stepsPerCommand = 500
    /// Bytes of variables written by one command before the rest of its steps is stored for a later batch.
    package var contentBytesPerCommand = 1 << 20
    /// Jobs handed out by one activation.
    package var jobsPerActivation = 1_000
    /// Children that one step terminates.
    package var childrenPerStep = 100
    /// Subscriptions that one message reaches at most.
    package var subscriptionsPerMessage = 1_000
    /// Steps of one expression.
    package var expressionSteps = 1_000_000
    /// Called instances nested inside each other.
    package var callDepth: Int32 = 1_000
    /// Bytes of variables handed out by one activation.
    package var activationBytes = 4 << 20
    /// Bytes of one variable's name.
    package var variableNameBytes = 32_768
    /// How long a timer of a quarantined instance is put off, in milliseconds.
    package var quarantineDelay: Int64 = 60_000

    package init() {}
}

/// What the engine is given from outside: everything that is not state.
package struct EngineEnvironment: Sendable {
    package var modelReader: any ModelReader
    package var timeZoneRules: any TimeZoneRules
    package var limits: EngineLimits
    /// Ids of elements at which the process traps: to test that one poison command cannot keep a node down.
    package var trappingElementIDs: Set<String>

    package init(
        modelReader: any ModelReader,
        timeZoneRules: any TimeZoneRules = FixedOffsetRules(),
        limits: EngineLimits = EngineLimits(),
        trappingElementIDs: Set<String> = []
    ) {
        self.modelReader = modelReader
        self.timeZoneRules = timeZoneRules
        self.limits = limits
        self.trappingElementIDs = trappingElementIDs
    }
}

/// A fault of ours, found while executing a command: the command is rolled back and answered as failed.
package struct EngineFault: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// A step of an instance that cannot go on: it becomes an incident.
struct StepFailure: Error, Hashable {
    var type: IncidentType
    var message: String
}
