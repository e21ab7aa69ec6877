namespace Tracing.Sdk.Messages;

/// <summary>How the span of a message relates to the span that was current when the message was sent.</summary>
public enum MessageRelation
{
    /// <summary>It is a child of that span, in the same trace: request, message and handling are one tree, and the sender's decision to record or not to record holds.</summary>
    Parent = 0,

    /// <summary>It begins a trace of its own, with a link to that span. This service decides whether to record, whatever the sender decided. For messages that are handled
    /// long after they were sent, or over and over, whose traces would never end.</summary>
    Link,
}
