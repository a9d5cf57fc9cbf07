namespace go chat

include "common.thrift"

/** Message is one text between two users. */
struct Message {
    1: i64 id
    2: i64 from_user_id
    3: i64 to_user_id
    4: string content
    /** Strictly increasing within a conversation, so it is a cursor on its own. */
    5: i64 created_at_ms
}

struct SendMessageRequest {
    1: i64 from_user_id
    2: i64 to_user_id
    /** 1..1000 characters, not blank. */
    3: string content
}
struct SendMessageResponse { 1: Message message }

struct ListMessagesRequest {
    1: i64 user_id
    2: i64 peer_id
    /** Only messages after it. 0 asks for the latest messages of the conversation. */
    3: i64 after_ms
    /** Only messages that peer_id sent. */
    4: bool from_peer_only
    /** 1..MAX_BATCH; 0 means MAX_BATCH. */
    5: i32 limit
}
struct ListMessagesResponse {
    /** Oldest first. */
    1: list<Message> messages
}

struct MGetLastMessagesRequest {
    1: i64 user_id
    2: list<i64> peer_ids
}
struct MGetLastMessagesResponse {
    /** By peer; a peer without messages is absent. */
    1: map<i64, Message> messages
}

service ChatService {
    /** Sends a message; durable and visible to both when it returns. Fails with ChatSelf, UserNotFound, MessageRefused. */
    SendMessageResponse SendMessage(1: SendMessageRequest req)
    /** Reads a conversation's messages, oldest first: the latest `limit` of all, or the earliest `limit` after a time. */
    ListMessagesResponse ListMessages(1: ListMessagesRequest req)
    /** Reads the latest message with each of up to MAX_BATCH peers. */
    MGetLastMessagesResponse MGetLastMessages(1: MGetLastMessagesRequest req)
}
