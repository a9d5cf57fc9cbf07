namespace go common

/** Most ids in one batch call, and most items in one page of a list. Above it a call fails with InvalidArgument. */
const i32 MAX_BATCH = 1000

/** Page is one step through a list. Lists run from the newest entry to the oldest unless the call says otherwise. */
struct Page {
    /** Where the last page ended, as its next_cursor said; empty starts at the beginning. Opaque. */
    1: string cursor
    /** Entries wanted, 1..MAX_BATCH; 0 means MAX_BATCH. */
    2: i32 limit
}
