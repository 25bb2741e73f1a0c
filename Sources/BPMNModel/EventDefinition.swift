/// How a timer states its due date.
package enum TimerKind: String, Hashable, Sendable {
    case date
    case duration
    case cycle
}

/// A timer event definition.
package struct TimerDefinition: Hashable, Sendable {
    package var kind: TimerKind
    package var expression: ModelExpression

    package init(kind: TimerKind, expression: ModelExpression) {
        self.kind = kind
        self.expression = expression
    }
}

/// A message that an element waits for.
package struct MessageDefinition: Hashable, Sendable {
    package var name: ModelExpression
    /// Absent only on start events of a process.
    package var correlationKey: ModelExpression?

    package init(name: ModelExpression, correlationKey: ModelExpression?) {
        self.name = name
        self.correlationKey = correlationKey
    }
}

/// An error that is thrown or caught.
package struct ErrorDefinition: Hashable, Sendable {
    /// Nil on a catch event catches every code.
    package var code: ModelExpression?

    package init(code: ModelExpression?) {
        self.code = code
    }
}

/// What an event throws or waits for; an event without one is a none event.
package enum EventDefinition: Hashable, Sendable {
    case timer(TimerDefinition)
    case message(MessageDefinition)
    case error(ErrorDefinition)
    case terminate
}
