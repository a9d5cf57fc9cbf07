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
}

struct RegisterRequest {
    /** Compared byte for byte: "Bob" and "bob" are two names. 1..32 characters, as package names allows. */
    1: string username
    /** 1..32 characters, no rule of composition. Never stored or logged. */
    2: string password
    /** The client's network: an IPv4 address, an IPv6 /64, at most 64 bytes. Networks take turns at password hashes. */
    3: string client
}
struct RegisterResponse { 1: i64 user_id }

struct LoginRequest {
    1: string username
    2: string password
    /**
     * The client's network, as in RegisterRequest. A network from which the account logged in of late is known: guesses
     * from elsewhere do not lock it out.
     */
    3: string client
}
struct LoginResponse { 1: i64 user_id }

struct MGetUsersRequest { 1: list<i64> user_ids }
struct MGetUsersResponse {
    /** A user that does not exist is absent. */
    1: map<i64, User> users
}

service UserService {
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
}
