
@testable import CRDTKit
struct UIDFacts { var owner: ReplicaID?; var waiting = 0 }
enum UIDAction: Equatable { case none, assign, takeOver, handOver(to: ReplicaID), merge }
struct UIDPolicy { struct Situation { var ownerUnreachableMilliseconds: UInt64?; var hasLocalInterest = false }
 func action(_ f: UIDFacts, _ s: Situation, own: ReplicaID) -> UIDAction {
   if f.owner == own && f.waiting > 0 { return .assign }
   return .none } }
extension AccountState { func uidFacts(of m: MailboxID, context: ApplyContext) -> UIDFacts? { 
  guard let slot = slot(of: m), let s = summary(of: m) else { return nil }
  return UIDFacts(owner: slots[slot].currentEpoch?.owner, waiting: Int(s.waiting)) }
 mutating func takeOver(_ m: MailboxID, batch: inout OperationBatch) throws(CRDTError) {}
 mutating func handOver(_ m: MailboxID, to: ReplicaID, batch: inout OperationBatch) throws(CRDTError) {}
 mutating func mergeIfForked(_ m: MailboxID, batch: inout OperationBatch) throws(CRDTError) {}
 }
