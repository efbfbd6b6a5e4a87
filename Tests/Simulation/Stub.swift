
@testable import CRDTKit
struct UIDFacts { var owner: ReplicaID?; var waiting = 0 }
enum UIDAction: Equatable { case none, assign, takeOver, handOver(to: ReplicaID), merge }
struct UIDPolicy { struct Situation { var ownerUnreachableMilliseconds: UInt64?; var hasLocalInterest = false }
 func action(_ f: UIDFacts, _ s: Situation, own: ReplicaID) -> UIDAction { .none } }
struct UIDStripe { static let sole = UIDStripe(index: 0)!; init?(index: Int) {} }
enum GroupAccount { static let name = "g" }
enum MemberChange { case add(name: String, stripe: UInt8, addresses: [String]), remove(name: String), announce(name: String, replica: ReplicaID) }
struct MemberRecord { enum Standing { case added, removed, unstated }; var name: String; var standing: Standing; var stripe: UInt8?; var replica: ReplicaID? }
extension AccountState { func uidFacts(of: MailboxID, context: ApplyContext) -> UIDFacts? { nil }
 mutating func takeOver(_ m: MailboxID, batch: inout OperationBatch) throws(CRDTError) {}
 mutating func handOver(_ m: MailboxID, to: ReplicaID, batch: inout OperationBatch) throws(CRDTError) {}
 mutating func mergeIfForked(_ m: MailboxID, batch: inout OperationBatch) throws(CRDTError) {}
 mutating func changeMember(_ m: MemberChange, batch: inout OperationBatch) throws(CRDTError) {}
 var members: [MemberRecord] { [] } }
extension OperationBatch { init(replica: ReplicaIndex, firstCounter: UInt64, timestamp: HybridTimestamp, account: AccountIndex, context: ApplyContext, stripe: UIDStripe) { self.init(replica: replica, firstCounter: firstCounter, timestamp: timestamp, account: account, context: context) } }
extension StateChange { static var memberChanged: Self { .subscriptionChanged(name: "") } }
