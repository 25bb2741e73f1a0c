/// A step of an instance that follows from an earlier one. Steps wait in a queue within a command; when a command has
/// taken too many, the rest is stored and goes on in a later batch.
package enum Step: Hashable, Sendable {
    /// Enter an element; `flow` is the sequence flow that led there.
    case enter(element: Int32, flow: Int32?, scope: Key)
    /// Run the rest of an activation whose incident was resolved.
    case activate(Key)
    /// Run output mappings and leave.
    case complete(Key)
    /// End an element instance and all it contains.
    case terminate(Key)
    /// End everything inside a scope, which then completes.
    case terminateChildren(scope: Key)
    /// A child ended: complete or terminate the scope if it was the last.
    case childEnded(scope: Key)
    /// See whether a buffered message fits a new subscription.
    case correlateBuffered(subscription: Key)
    /// A called process ended: the call activity goes on.
    case calledInstanceEnded(instance: Key)
}
