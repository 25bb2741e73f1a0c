import FEEL
import Foundation

/// Runs the FEEL part of the public DMN conformance suite: decisions that are literal expressions, boxed contexts and
/// lists.
struct ConformanceSuite {
    struct Report {
        var passed = 0
        var failures: [String] = []
        /// Passed cases whose expression was refused, which is right where the suite expects an error.
        var refused: [String] = []
        var skipped: [String: Int] = [:]

        var runnable: Int { self.passed + self.failures.count }
    }

    /// Why a decision is not run.
    struct Skip: Error {
        let reason: String
    }

    private var report = Report()
    private var decisions: [String: XMLTree.Element] = [:]
    private var itemDefinitions: [String] = []
    private var knowledgeModels: [String] = []

    static func run(_ folder: URL) throws -> Report {
        var suite = ConformanceSuite()
        let manager = FileManager.default
        for level in try manager.contentsOfDirectory(atPath: folder.path).sorted() {
            let levelFolder = folder.appendingPathComponent(level)
            for name in (try? manager.contentsOfDirectory(atPath: levelFolder.path).sorted()) ?? [] {
                try suite.runFolder(levelFolder.appendingPathComponent(name))
            }
        }
        return suite.report
    }

    private mutating func runFolder(_ folder: URL) throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        guard let model = files.first(where: { $0.hasSuffix(".dmn") }),
            let root = try XMLTree.parse(folder.appendingPathComponent(model))
        else { return }
        self.decisions = [:]
        for decision in root.children("decision") { self.decisions[decision.attributes["name"] ?? ""] = decision }
        self.itemDefinitions = root.children("itemDefinition").compactMap { $0.attributes["name"] }
        let callable = root.children("businessKnowledgeModel") + root.children("decisionService")
        self.knowledgeModels = callable.compactMap { $0.attributes["name"] }
        for file in files where file.hasSuffix(".xml") {
            guard let tests = try XMLTree.parse(folder.appendingPathComponent(file)) else { continue }
            for test in tests.children("testCase") { self.runCase(test, in: folder.lastPathComponent) }
        }
    }

    private mutating func runCase(_ test: XMLTree.Element, in folder: String) {
        var scope = FEELContext()
        for input in test.children("inputNode") {
            scope[input.attributes["name"] ?? ""] = ConformanceSuite.value(of: input) ?? .null
        }
        for node in test.children("resultNode") {
            let name = node.attributes["name"] ?? ""
            let expected = node.child("expected").flatMap { ConformanceSuite.value(of: $0) } ?? .null
            do {
                // That suite is about the types of decisions, which an expression does not know.
                if folder.hasPrefix("0082") { throw Skip(reason: "coercion to the type of a decision") }
                let actual = try self.evaluate(decision: name, scope, depth: 0)
                if ConformanceSuite.matches(actual, expected) {
                    self.report.passed += 1
                } else {
                    let text = self.decisions[name]?.child("literalExpression")?.child("text")?.text ?? "boxed"
                    self.report.failures.append("\(folder) \(name): \(text) is \(actual), not \(expected)")
                }
            } catch let skip as Skip {
                self.report.skipped[skip.reason, default: 0] += 1
            } catch {
                // What cannot be parsed has no value: right where the suite expects null.
                if expected == .null {
                    self.report.passed += 1
                    self.report.refused.append("\(folder) \(name): \(error)")
                } else {
                    self.report.failures.append("\(folder) \(name): \(error), not \(expected)")
                }
            }
        }
    }

    private func evaluate(decision name: String, _ scope: FEELContext, depth: Int) throws -> FEELValue {
        guard let decision = self.decisions[name], depth < 8 else { throw Skip(reason: "not a decision") }
        var scope = scope
        for requirement in decision.children("informationRequirement") {
            guard let href = requirement.child("requiredDecision")?.attributes["href"] else { continue }
            for (other, element) in self.decisions where "#" + (element.attributes["id"] ?? "") == href {
                scope[other] = try self.evaluate(decision: other, scope, depth: depth + 1)
            }
        }
        for child in decision.children {
            if let value = try self.boxed(child, scope) { return value }
        }
        throw Skip(reason: "no expression")
    }

    /// The value of a boxed expression, or nil if the element is none.
    private func boxed(_ element: XMLTree.Element, _ scope: FEELContext) throws -> FEELValue? {
        switch element.name {
        case "literalExpression": return try self.literal(element.child("text")?.text ?? "", scope)
        case "list": return .list(try element.children.compactMap { try self.boxed($0, scope) })
        case "context":
            var scope = scope
            var result = FEELContext()
            for entry in element.children("contextEntry") {
                guard let body = entry.children.first(where: { $0.name != "variable" }),
                    let value = try self.boxed(body, scope)
                else { throw Skip(reason: "no expression") }
                guard let name = entry.child("variable")?.attributes["name"] else { return value }
                result[name] = value
                scope[name] = value
            }
            return .context(result)
        case "functionDefinition", "invocation", "decisionTable", "relation":
            throw Skip(reason: "boxed \(element.name)")
        default: return nil
        }
    }

    private func literal(_ text: String, _ scope: FEELContext) throws -> FEELValue {
        for name in self.knowledgeModels where text.contains(name) { throw Skip(reason: "business knowledge model") }
        for name in self.itemDefinitions where text.contains(name) { throw Skip(reason: "item definition") }
        if text.contains("external {") || text.contains("external{") { throw Skip(reason: "external function") }
        let environment = FEELEnvironment(
            nowEpochMilliseconds: 1_700_000_000_000,
            timeZoneRules: TestData.zones,
            depthLimit: 64
        )
        let expression = try FEELExpression(text, knownNames: scope.entries.map(\.key))
        return try expression.evaluate(scope, environment: environment).value
    }

    // MARK: - Values

    /// The value inside an input, a component, an item or an expectation.
    private static func value(of element: XMLTree.Element) -> FEELValue? {
        if let list = element.child("list") { return .list(list.children.map { self.value(of: $0) ?? .null }) }
        let components = element.children("component")
        if !components.isEmpty {
            return .context(
                FEELContext(components.map { ($0.attributes["name"] ?? "", self.value(of: $0) ?? .null) })
            )
        }
        guard let value = element.child("value"), value.attributes["nil"] != "true" else { return nil }
        let type = value.attributes["type"].flatMap { $0.split(separator: ":").last.map(String.init) } ?? "string"
        switch type {
        case "string": return .string(value.text)
        case "boolean": return .boolean(value.text == "true")
        case "date": return FEELDate(value.text).map(FEELValue.date)
        case "time": return FEELTime(value.text).map(FEELValue.time)
        case "dateTime": return FEELDateTime(value.text).map(FEELValue.dateTime)
        case "duration":
            return FEELYearsMonthsDuration(value.text).map(FEELValue.yearsMonthsDuration)
                ?? FEELDaysTimeDuration(value.text).map(FEELValue.daysTimeDuration)
        default: return Decimal(value.text).map(FEELValue.number)
        }
    }

    /// Equality, numbers within a relative 10^−8 because the suite gives only so many digits.
    private static func matches(_ actual: FEELValue, _ expected: FEELValue) -> Bool {
        switch (actual, expected) {
        case (.number(let left), .number(let right)):
            if left == right { return true }
            guard let distance = left.subtracting(right)?.magnitude, let quotient = distance.divided(by: right) else {
                return false
            }
            return quotient.magnitude.double < 1e-8
        case (.list(let left), .list(let right)):
            return left.count == right.count && zip(left, right).allSatisfy { self.matches($0, $1) }
        case (.context(let left), .context(let right)):
            return left.count == right.count
                && right.entries.allSatisfy { entry in left[entry.key].map { self.matches($0, entry.value) } ?? false }
        default: return actual == expected
        }
    }
}
