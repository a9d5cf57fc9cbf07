package middleware

// Limits are the request limits of both APIs, by what they protect.
type Limits struct {
	ReadAddr, WriteAddr, RegisterAddr, LoginAddr, PublishAddr Limit
	ReadUser, WriteUser, ChatUser                             Limit
}
