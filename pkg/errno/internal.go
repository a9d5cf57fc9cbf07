package errno

// Errors between services. The gateway answers Internal instead: they are faults of the deployment, not of the client.
var (
	// CallRefused is the answer to a caller who may not call that method, or whose certificate is for another name.
	CallRefused = &Error{10009, "this service may not call that"}
)
