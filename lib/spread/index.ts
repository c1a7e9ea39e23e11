// A Spread client, as a library: connect, join, multicast, and iterate over what happens. See `connect`.
export { type AuthMethod, type AuthTurn, IP_METHOD, NULL_METHOD, passwordMethod } from "./auth-method.ts";
export { MethodError } from "./client-handshake.ts";
export type { Back, FrameEvent, Lost, Message, Reject, SessionEvent } from "./event.ts";
export { FrameError, FrameView } from "./frame.ts";
export { HandshakeError } from "./handshake.ts";
export { connect, openSession } from "./io/connect.ts";
export type { Session, SessionCounters, SessionState } from "./io/session.ts";
export type { SessionOptions } from "./io/settings.ts";
export type { TlsIdentity } from "./io/tls.ts";
export {
  DEFAULT_PORT,
  DEFAULT_TLS_PORT,
  GROUP_NAME_BYTES_MAX,
  type Limit,
  LimitError,
  PRIVATE_NAME_BYTES_MAX,
  ROUTED_GROUPS_MAX,
  SAFE_CARRIED_BYTES_MAX,
} from "./limits.ts";
export {
  type Cause,
  equalGroupIds,
  type GroupId,
  readSelfLeave,
  readTransition,
  readView,
  type SelfLeave,
  type Transition,
  type View,
} from "./membership.ts";
export {
  type Destination,
  type GroupName,
  isDestination,
  isGroupName,
  isPrivateGroup,
  NameError,
  type PrivateGroup,
  type PrivateName,
  parseDestination,
  parseGroupName,
  parsePrivateGroup,
  parsePrivateName,
  splitPrivateGroup,
} from "./names.ts";
export type { Body, Destinations, SendOptions } from "./requests.ts";
export { RejectError, type RejectReason } from "./result-code.ts";
export type { UnsentPolicy } from "./sending.ts";
export { DEFAULT_SERVERS, formatServer, parseServer, type Server, ServerError } from "./server.ts";
export { SERVICE_TYPES, type ServiceType } from "./service.ts";
export { ConnectError, type ConnectReason, LostError, SessionError, type SessionReason } from "./session-error.ts";
