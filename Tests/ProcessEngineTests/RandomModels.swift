import ProcessEngine

/// Numbers that only depend on the seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}

/// Makes models of nested blocks, each with one way in and one way out, so that every instance can end.
struct RandomModel {
    private struct Block {
        var entry: String
        var exit: String
    }

    private var random: SeededGenerator
    private var count = 0
    /// What is inside the scope that is being written.
    private var content = ""
    private var budget: Int
    private let callsOthers: Bool

    /// A file with the process `main`, which may call the process `called`.
    static func file(seed: UInt64) -> [UInt8] {
        var main = RandomModel(SeededGenerator(seed: seed), budget: 11, callsOthers: true)
        var called = RandomModel(SeededGenerator(seed: seed &+ 1_000_000), budget: 4, callsOthers: false)
        called.count = 1_000
        let text = """
            <?xml version="1.0"?>
            <definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" \
            xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="t">
            \(main.process("main"))
            \(called.process("called"))
            <message id="go" name="go"><extensionElements><zeebe:subscription correlationKey="=key"/></extensionElements>\
            </message>
            <error id="e" errorCode="E"/>
            </definitions>
            """
        return Array(text.utf8)
    }

    private init(_ random: SeededGenerator, budget: Int, callsOthers: Bool) {
        self.random = random
        self.budget = budget
        self.callsOthers = callsOthers
    }

    private mutating func process(_ id: String) -> String {
        "<process id=\"\(id)\" isExecutable=\"true\">\n\(scope(depth: 0))\n</process>"
    }

    private mutating func scope(depth: Int) -> String {
        let outer = content
        content = ""
        let start = add("startEvent")
        let inside = block(depth: depth + 1)
        flow(start, inside.entry)
        if random.chance(15) {
            // Two ways that race: one of them ends the scope.
            let split = add("parallelGateway")
            flow(inside.exit, split)
            for definition in ["<terminateEventDefinition/>", ""] {
                let way = block(depth: depth + 1)
                flow(split, way.entry)
                flow(way.exit, add("endEvent", inside: definition))
            }
        } else {
            flow(inside.exit, add("endEvent"))
        }
        defer { content = outer }
        return content
    }

    private mutating func newID() -> String {
        count += 1
        return "n\(count)"
    }

    private mutating func add(
        _ tag: String,
        _ attributes: String = "",
        extensions: String = "",
        inside: String = ""
    ) -> String {
        let id = newID()
        let wrapped = extensions.isEmpty ? "" : "<extensionElements>\(extensions)</extensionElements>"
        content += "<\(tag) id=\"\(id)\" \(attributes)>\(wrapped)\(inside)</\(tag)>\n"
        return id
    }

    private mutating func flow(_ source: String, _ target: String, condition: String? = nil, id: String? = nil) {
        let inside = condition.map { "<conditionExpression>\($0)</conditionExpression>" } ?? ""
        let id = id ?? newID()
        content +=
            "<sequenceFlow id=\"\(id)\" sourceRef=\"\(source)\" targetRef=\"\(target)\">\(inside)</sequenceFlow>\n"
    }

    private mutating func block(depth: Int) -> Block {
        budget -= 1
        guard budget > 0, depth < 5 else { return leaf() }
        switch Int.random(in: 0..<12, using: &random) {
        case 0...2: return sequence(depth)
        case 3: return choice(depth)
        case 4, 5: return parallel(depth)
        case 6, 7: return interruptible(depth)
        case 8 where depth < 3: return loop(depth)
        case 9: return race()
        case 10: return subProcess(depth)
        default: return leaf()
        }
    }

    private mutating func leaf() -> Block {
        let id: String
        switch Int.random(in: 0..<10, using: &random) {
        case 0: id = add("manualTask", extensions: mapping(outputs: ["m": "=1"]))
        case 1: id = add("scriptTask", extensions: "<zeebe:script expression=\"=r + 1\" resultVariable=\"r\"/>")
        case 2: id = add("userTask", extensions: "<zeebe:userTask/>")
        case 3: id = add("intermediateCatchEvent", inside: timer("timeDuration", "PT1M"))
        case 4: id = add("receiveTask", "messageRef=\"go\"")
        case 5 where callsOthers: id = add("callActivity", extensions: "<zeebe:calledElement processId=\"called\"/>")
        default:
            id = add(
                "serviceTask",
                extensions: "<zeebe:taskDefinition type=\"work\"/>"
                    + (random.chance(30) ? mapping(inputs: ["given": "=r"], outputs: ["taken": "=given"]) : "")
            )
        }
        return Block(entry: id, exit: id)
    }

    private func mapping(inputs: [String: String] = [:], outputs: [String: String]) -> String {
        "<zeebe:ioMapping>"
            + inputs.map { "<zeebe:input source=\"\($0.value)\" target=\"\($0.key)\"/>" }.joined()
            + outputs.map { "<zeebe:output source=\"\($0.value)\" target=\"\($0.key)\"/>" }.joined()
            + "</zeebe:ioMapping>"
    }

    private func timer(_ kind: String, _ text: String) -> String {
        "<timerEventDefinition><\(kind)>\(text)</\(kind)></timerEventDefinition>"
    }

    private mutating func sequence(_ depth: Int) -> Block {
        let first = block(depth: depth)
        let second = block(depth: depth)
        flow(first.exit, second.entry)
        return Block(entry: first.entry, exit: second.exit)
    }

    private mutating func choice(_ depth: Int) -> Block {
        let fallback = newID()
        let split = add("exclusiveGateway", "default=\"\(fallback)\"")
        let merge = add("exclusiveGateway")
        let ways = [block(depth: depth + 1), block(depth: depth + 1)]
        flow(split, ways[0].entry, condition: "=modulo(r, 2) = 0")
        flow(split, ways[1].entry, id: fallback)
        for way in ways { flow(way.exit, merge) }
        return Block(entry: split, exit: merge)
    }

    private mutating func parallel(_ depth: Int) -> Block {
        let split = add("parallelGateway")
        let join = add("parallelGateway")
        for _ in 0..<Int.random(in: 2...4, using: &random) {
            let way = block(depth: depth + 1)
            flow(split, way.entry)
            flow(way.exit, join)
        }
        return Block(entry: split, exit: join)
    }

    private mutating func subProcess(_ depth: Int) -> Block {
        let inside = scope(depth: depth + 1)
        let id = add("subProcess", extensions: mapping(outputs: ["s": "=r"]), inside: inside)
        return Block(entry: id, exit: id)
    }

    /// An activity with boundary events of all kinds.
    private mutating func interruptible(_ depth: Int) -> Block {
        let host: String
        if random.chance(50) {
            host = subProcess(depth).entry
        } else if callsOthers, random.chance(40) {
            host = add("callActivity", extensions: "<zeebe:calledElement processId=\"called\"/>")
        } else {
            host = add("serviceTask", extensions: "<zeebe:taskDefinition type=\"work\"/>")
        }
        let merge = add("exclusiveGateway")
        flow(host, merge)
        let attached = "attachedToRef=\"\(host)\""
        if random.chance(40) { flow(add("boundaryEvent", attached, inside: timer("timeDuration", "PT2M")), merge) }
        if random.chance(30) {
            flow(add("boundaryEvent", attached, inside: "<messageEventDefinition messageRef=\"go\"/>"), merge)
        }
        if random.chance(40) {
            let open = "\(attached) cancelActivity=\"false\""
            let way = leaf()
            flow(add("boundaryEvent", open, inside: timer("timeCycle", "R2/PT1M")), way.entry)
            flow(way.exit, add("endEvent"))
        }
        if random.chance(60) {
            flow(add("boundaryEvent", attached, inside: "<errorEventDefinition errorRef=\"e\"/>"), merge)
        }
        return Block(entry: host, exit: merge)
    }

    private mutating func loop(_ depth: Int) -> Block {
        let counter = "c\(count)"
        let entry = add("exclusiveGateway")
        let step = add(
            "scriptTask",
            extensions: "<zeebe:script expression=\"=if \(counter) = null then 1 else \(counter) + 1\""
                + " resultVariable=\"\(counter)\"/>"
        )
        let inside = block(depth: depth + 1)
        let onwards = newID()
        let exit = add("exclusiveGateway", "default=\"\(onwards)\"")
        let after = add("manualTask")
        flow(entry, step)
        flow(step, inside.entry)
        flow(inside.exit, exit)
        flow(exit, entry, condition: "=modulo(\(counter), 2) != 0")
        flow(exit, after, id: onwards)
        return Block(entry: entry, exit: after)
    }

    private mutating func race() -> Block {
        let gateway = add("eventBasedGateway")
        let merge = add("exclusiveGateway")
        for event in ["<messageEventDefinition messageRef=\"go\"/>", timer("timeDuration", "PT3M")] {
            let id = add("intermediateCatchEvent", inside: event)
            flow(gateway, id)
            flow(id, merge)
        }
        return Block(entry: gateway, exit: merge)
    }
}
