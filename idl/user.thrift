namespace go user

include "common.thrift"

/** User is the public card of an account. Counters live with the services that own their lists. */
struct User {
    1: i64 id
    2: string name
    /** Blob key of the picture, empty for the default one. */
    3: string avatar_key
    /** Blob key of the profile's background, empty for the default one. */
    4: string background_key
    5: string signature
    6: i64 created_at_ms
    /** The name shown, which need not be unique. Empty: the account's name is shown. */
    7: string display_name
}

struct RegisterRequest {
    /** Compared byte for byte: "Bob" and "bob" are two names. 1..32 characters, as package names allows. */
    1: string username
    /** 1..32 characters, no rule of composition. Never stored or logged. */
    2: string password
    /** The client's network: an IPv4 address, an IPv6 /64, at most 64 bytes. Networks take turns at password hashes. */
    3: string client
    /** Where the session is opened from. Absent from gateways of before sessions. */
    4: optional Device device
    /** Refuses the most common passwords, with PasswordTooCommon. */
    5: bool strict_password
    /**
     * Whoever registers again within a day with it, the same username and password gets the same account, and a session of its own.
     * Absent: the username is taken then.
     */
    6: optional string request_key
}
struct RegisterResponse {
    1: i64 user_id
    /** The session that was opened; absent without a device. */
    2: optional Session session
}

struct LoginRequest {
    1: string username
    2: string password
    /**
     * The client's network, as in RegisterRequest. A network from which the account logged in of late is known: guesses
     * from elsewhere do not lock it out.
     */
    3: string client
    /** Where the session is opened from. Absent from gateways of before sessions. */
    4: optional Device device
}
struct LoginResponse {
    1: i64 user_id
    /** The session that was opened; absent without a device. */
    2: optional Session session
}

/** Device is what a session's owner recognises it by. Both are what the client says, and cut to 200 bytes. */
struct Device {
    /** The User-Agent header. */
    1: string agent
    /** The client's address. */
    2: string addr
}

/** Session is one login of an account. A token names its session. */
struct Session {
    1: i64 id
    2: i64 user_id
    3: i64 created_at_ms
    /** When it was last used; up to a minute late. */
    4: i64 seen_at_ms
    5: Device device
}

struct ListSessionsRequest { 1: i64 user_id }
struct ListSessionsResponse {
    /** Those that are not revoked, last used first, at most 100: a new one above that revokes the one that was not used for longest. */
    1: list<Session> sessions
}

struct RevokeSessionRequest {
    1: i64 user_id
    2: i64 session_id
}
struct RevokeSessionResponse {
    /** What ended, for the gateway to refuse at once. */
    1: list<Revocation> revocations
}

struct RevokeOtherSessionsRequest {
    1: i64 user_id
    /** The one that stays, 0 for none. Tokens of before sessions, which name none, end too. */
    2: i64 session_id
}
struct RevokeOtherSessionsResponse {
    /** What ended, for the gateway to refuse at once. */
    1: list<Revocation> revocations
}

struct ChangePasswordRequest {
    1: i64 user_id
    2: string old_password
    3: string new_password
    /** The one session that stays, 0 for none. */
    4: i64 session_id
    /** The client's network, as in RegisterRequest. */
    5: string client
    /** As in RegisterRequest. */
    6: bool strict_password
}
struct ChangePasswordResponse {
    /** What ended, for the gateway to refuse at once. */
    1: list<Revocation> revocations
}

/** Revocation ends a session, or with session_id 0 all tokens of a user that name none. */
struct Revocation {
    1: i64 user_id
    2: i64 session_id
    3: i64 revoked_at_ms
}

struct ListRevokedRequest {
    /** Where the last answer ended, as its next_cursor said; empty starts with the oldest whose tokens may still be valid. */
    1: string cursor
    /** 1..MAX_BATCH; 0 means MAX_BATCH. */
    2: i32 limit
}
struct ListRevokedResponse {
    /** Some may have been in an answer before: entries of the last seconds are repeated, because they commit in any order. */
    1: list<Revocation> revocations
    /** Never empty. */
    2: string next_cursor
    /** Whether there are more now. */
    3: bool more
}

/** SessionUse is when a session was last used. */
struct SessionUse {
    1: i64 user_id
    2: i64 session_id
    3: i64 seen_at_ms
}
struct TouchSessionsRequest {
    /** Up to MAX_BATCH. */
    1: list<SessionUse> uses
}
struct TouchSessionsResponse {}

struct UpdateProfileRequest {
    1: i64 user_id
    /** Absent fields stay. 0..32 characters, spaces around them are dropped; "" shows the account's name again. */
    2: optional string display_name
    /** 0..80 characters in one line. */
    3: optional string signature
    /** Blob keys; "" is the default picture. */
    4: optional string avatar_key
    5: optional string background_key
}
struct UpdateProfileResponse {
    /** As it is now. */
    1: User user
    /** Blob keys that this call has replaced, "" for none. Of several calls at once, each replaced key is in one answer. */
    2: string replaced_avatar_key
    3: string replaced_background_key
}

struct FindUserRequest {
    /** An account's name, byte for byte. */
    1: string username
}
struct FindUserResponse { 1: User user }

struct MGetUsersRequest {
    1: list<i64> user_ids
    /**
     * Those of them who see the answer, at most as many. Of others the answer may be up to a second older than the last UpdateProfile,
     * of these it is not: everybody sees their own edit at once.
     */
    2: list<i64> viewer_ids
}
struct MGetUsersResponse {
    /** A user that does not exist is absent. */
    1: map<i64, User> users
}

struct MFindUsersRequest {
    /** Up to MAX_BATCH; one that cannot be a name is nobody's. */
    1: list<string> names
}
struct MFindUsersResponse {
    /** The ids of the accounts by name; a name that nobody has is absent. */
    1: map<string, i64> user_ids
}

/** Account is what lists of all accounts have. */
struct Account {
    1: i64 id
    2: string name
    /** What is shown in its place; the name when there is none. */
    3: string shown_name
}

struct ScanUsersRequest {
    /** The id of the last one that was read; 0: from the beginning. */
    1: i64 after_id
    /** 1..MAX_BATCH. */
    2: i32 limit
}
struct ScanUsersResponse {
    /** By ascending id; fewer than limit: the end. */
    1: list<Account> accounts
}

service UserService {
    /** Finds accounts by their names, byte for byte. */
    MFindUsersResponse MFindUsers(1: MFindUsersRequest req)
    /**
     * Creates an account. Fails with UserNameTaken if the name exists, or one that looks like it, and with TooManyRequests when too many of the
     * client's network wait for a hash.
     */
    RegisterResponse Register(1: RegisterRequest req)
    /**
     * Checks a password. Wrong name and wrong password fail alike, with UserBadCredentials, at the same cost. Fails with
     * TooManyRequests after too many tries on one name from networks that are not known, or when too many of the client's
     * network wait for a hash.
     */
    LoginResponse Login(1: LoginRequest req)
    /** Reads up to MAX_BATCH users. */
    MGetUsersResponse MGetUsers(1: MGetUsersRequest req)
    /** Reads the account of a name. Fails with UserNotFound. */
    FindUserResponse FindUser(1: FindUserRequest req)
    /**
     * Changes what others see of an account. When it returns, MGetUsers shows it: to others within a second. Fails with InvalidArgument,
     * UserNotFound, and ProfileRefused when a text holds a forbidden word or looks like a name that is reserved.
     */
    UpdateProfileResponse UpdateProfile(1: UpdateProfileRequest req)
    /** Reads an account's sessions. */
    ListSessionsResponse ListSessions(1: ListSessionsRequest req)
    /** Ends one of the user's own sessions. Doing so twice is success. Fails with SessionNotFound when it never was the user's. */
    RevokeSessionResponse RevokeSession(1: RevokeSessionRequest req)
    /** Ends all of the user's sessions but one. Fails with UserNotFound. */
    RevokeOtherSessionsResponse RevokeOtherSessions(1: RevokeOtherSessionsRequest req)
    /**
     * Replaces the password and ends all sessions but one, together. Fails with UserBadCredentials when old_password is wrong (of two
     * changes at once, for one of them it is), with TooManyRequests as Login does, and with PasswordTooCommon.
     */
    ChangePasswordResponse ChangePassword(1: ChangePasswordRequest req)
    /** Reads what was revoked since the last call, for gateways to refuse tokens without a call a request. */
    ListRevokedResponse ListRevoked(1: ListRevokedRequest req)
    /** Notes when sessions were last used. Unknown and revoked ones are left out. */
    TouchSessionsResponse TouchSessions(1: TouchSessionsRequest req)
    /** Reads all accounts, page by page. */
    ScanUsersResponse ScanUsers(1: ScanUsersRequest req)
}
