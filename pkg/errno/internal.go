package errno

// Errors between services. Nobody outside sees them: the gateway answers Internal instead, because they are faults of ours.
var (
	// CallRefused is the answer to a caller who may not call that method, or whose certificate is for another name.
	CallRefused = &Error{10009, "this service may not call that"}
)
