import CLibFuzzer
import Foundation
import FuzzTargets

// thalweg-fuzz list                       the targets, one a line
// thalweg-fuzz seeds TARGET FOLDER FILE   writes the seeds into the folder, the dictionary into the file
// thalweg-fuzz run TARGET OPTION...       hands the rest to libFuzzer

var arguments = CommandLine.arguments
switch arguments.dropFirst().first {
case "list":
    for target in FuzzList.all { print(target.name, target.bytesLimit, target.what, separator: "\t") }
case "seeds" where arguments.count == 5:
    try FuzzList.writeSeeds(of: arguments[2], folder: arguments[3], dictionary: arguments[4])
case "run" where arguments.count > 2 && FuzzList.start(arguments[2]):
    arguments.removeSubrange(1...2)
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    var count = Int32(arguments.count)
    exit(
        pointers.withUnsafeMutableBufferPointer { buffer in
            var start = buffer.baseAddress
            return LLVMFuzzerRunDriver(&count, &start) { bytes, count in
                FuzzList.run([UInt8](UnsafeBufferPointer(start: bytes, count: count)))
                return 0
            }
        }
    )
default:
    FileHandle.standardError.write(Data("usage: see scripts/fuzz --help\n".utf8))
    exit(2)
}
