import ArgumentParser
import JSON

/// Where variables come from: JSON on the command line, a file, or standard input.
enum VariablesSource: Equatable, Sendable, ExpressibleByArgument {
    case inline(String)
    case file(String)
    case standardInput

    init(argument: String) {
        if argument == "-" {
            self = .standardInput
        } else if argument.hasPrefix("@") {
            self = .file(String(argument.dropFirst()))
        } else {
            self = .inline(argument)
        }
    }

    /// Reads and checks the JSON object.
    func load() throws(ClientFailure) -> JSONValue {
        let limit = FileContents.variablesBytesLimit
        switch self {
        case .inline(let text): return try JSONText.object(Array(text.utf8), from: "the variables")
        case .file(let path): return try JSONText.object(FileContents.read(path, limit: limit), from: path)
        case .standardInput:
            return try JSONText.object(FileContents.readStandardInput(limit: limit), from: "standard input")
        }
    }
}

/// `--variables`, for the commands that send some.
struct VariablesOption: ParsableArguments {
    @Option(
        name: .customLong("variables"),
        help: ArgumentHelp("Variables: a JSON object, @FILE, or - for standard input.", valueName: "json")
    )
    var source: VariablesSource?

    /// The variables, or nil when none are given.
    func load() throws(ClientFailure) -> JSONValue? {
        try self.source?.load()
    }
}
