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
    /** Whoever asks again with it within a day gets the same answer, and nothing more is stored. Absent: each call sends a message. */
    4: optional string request_key
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
    /** Only messages before it: the latest `limit` of those. 0 is no bound; not together with after_ms. */
    6: i64 before_ms
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

/** Conversation is what one of two users sees of theirs. */
struct Conversation {
    1: i64 peer_id
    2: Message last_message
    /** Messages from the peer after read_until_ms, at most MAX_UNREAD. */
    3: i32 unread_count
    /** Messages of the peer up to this time are read: the user has marked them, or has written something after them. */
    4: i64 read_until_ms
}

/** Most unread messages that are counted of one conversation. */
const i32 MAX_UNREAD = 100

struct ListConversationsRequest {
    1: i64 user_id
    /** Limit 1..100; 0 means 100. */
    2: common.Page page
}
struct ListConversationsResponse {
    /** That with the newest message first. */
    1: list<Conversation> conversations
    /** Empty at the end. */
    2: string next_cursor
}

struct MarkReadRequest {
    1: i64 user_id
    2: i64 peer_id
    /** Messages up to this time are read. An earlier time than the last one changes nothing, a later one than the newest message means that. */
    3: i64 until_ms
}
struct MarkReadResponse {}

struct CountUnreadRequest { 1: i64 user_id }
struct CountUnreadResponse {
    /** Conversations with unread messages, at most MAX_UNREAD. */
    1: i32 conversations
}

struct DeleteMessageRequest {
    1: i64 user_id
    2: i64 peer_id
    3: i64 message_id
}
struct DeleteMessageResponse {}

struct DeleteConversationRequest {
    1: i64 user_id
    2: i64 peer_id
}
struct DeleteConversationResponse {}

service ChatService {
    /**
     * Sends a message; durable and visible to both when it returns. What the other has sent before it is read then.
     * Fails with ChatSelf, UserNotFound, MessageRefused, IdempotencyKeyReused.
     */
    SendMessageResponse SendMessage(1: SendMessageRequest req)
    /**
     * Reads a conversation's messages, oldest first: the latest `limit` of all or before a time, or the earliest `limit` after a time.
     */
    ListMessagesResponse ListMessages(1: ListMessagesRequest req)
    /** Reads the latest message with each of up to MAX_BATCH peers. */
    MGetLastMessagesResponse MGetLastMessages(1: MGetLastMessagesRequest req)
    /** Reads one page of a user's conversations, with what is unread in each. */
    ListConversationsResponse ListConversations(1: ListConversationsRequest req)
    /** Marks messages of a conversation as read; visible to the user's next ListConversations. */
    MarkReadResponse MarkRead(1: MarkReadRequest req)
    /** Counts the conversations in which the user has unread messages. */
    CountUnreadResponse CountUnread(1: CountUnreadRequest req)
    /** Deletes a message for the user alone; the other still has it. Doing so twice is success. Fails with MessageNotFound. */
    DeleteMessageResponse DeleteMessage(1: DeleteMessageRequest req)
    /** Deletes all messages there are for the user alone. The conversation comes back with its next message. */
    DeleteConversationResponse DeleteConversation(1: DeleteConversationRequest req)
}
