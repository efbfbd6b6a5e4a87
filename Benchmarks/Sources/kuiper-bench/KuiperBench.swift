// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// Measures; every figure stands next to a reference of the same run.
@main
enum KuiperBench {
    static func main() async {
        await BenchProgram(
            name: "kuiper-bench", scenarios: replication + codecs,
            peers: [PythonPeer.peer("pycrdt"), PythonPeer.peer("loro"), RedisPeer.peer]
        ).main()
    }

    /// The replicated data type by itself, without disk or network.
    private static var replication: [Scenario] {
        [
            Scenario(Generate.name, "commands at the replica where they are given", run: Generate.run),
            Scenario(Encode.name, "operations into frames of 1, 64 and 1024", run: Encode.run),
            Scenario(Decode.name, "operations out of frames of 1, 64 and 1024, in causal order", run: Decode.run),
            Scenario(ApplyAdd.name, "remote APPENDs, from nothing to n messages", run: ApplyAdd.run),
            Scenario(ApplyChurn.name, "remote EXPUNGEs and APPENDs at n messages", run: ApplyChurn.run),
            Scenario(ApplyUsers.name, "remote operations on random ones of many users", run: ApplyUsers.run),
            Scenario(
                ApplyReplicas.name, "frames of 2 to 128 replicas, received and applied", run: ApplyReplicas.run),
            Scenario(DeleteFolder.name, "DELETE of a folder of n messages", run: DeleteFolder.run),
            Scenario(OutOfOrder.name, "frames that arrive in any order", run: OutOfOrder.run),
            Scenario(Snapshot.saveName, "an account of n messages for another node", run: Snapshot.save),
            Scenario(Snapshot.loadName, "an account of n messages from another node", run: Snapshot.load),
            Scenario(Peers.name, "100,000 insertions beside pycrdt, loro and redis", run: Peers.run),
        ]
    }

    private static var codecs: [Scenario] {
        [
            Scenario("imap.parse", "commands through framer and parser", run: IMAPParse.run),
            Scenario("mime.scan", "messages through the MIME scanner", run: MIMEScan.run),
        ]
    }
}
