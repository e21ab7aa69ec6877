using System.Runtime.CompilerServices;

namespace Tracing.Sdk;

/// <summary>How much of one span is exported.</summary>
public sealed class LimitOptions
{
    /// <summary>Attributes of a span, at most; the rest is counted. Default 128. Variables: <c>OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT</c>, <c>OTEL_ATTRIBUTE_COUNT_LIMIT</c>.</summary>
    public int MaxAttributes { get; set => field = Assign(value); } = 128;

    /// <summary>Events of a span, at most; the rest is counted. Default 128. Variable: <c>OTEL_SPAN_EVENT_COUNT_LIMIT</c>.</summary>
    public int MaxEvents { get; set => field = Assign(value); } = 128;

    /// <summary>Links of a span, at most; the rest is counted. Default 128. Variable: <c>OTEL_SPAN_LINK_COUNT_LIMIT</c>.</summary>
    public int MaxLinks { get; set => field = Assign(value); } = 128;

    /// <summary>Attributes of an event, at most; the rest is counted. Default 128. Variable: <c>OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT</c>.</summary>
    public int MaxEventAttributes { get; set => field = Assign(value); } = 128;

    /// <summary>Attributes of a link, at most; the rest is counted. Default 128. Variable: <c>OTEL_LINK_ATTRIBUTE_COUNT_LIMIT</c>.</summary>
    public int MaxLinkAttributes { get; set => field = Assign(value); } = 128;

    /// <summary>UTF-16 units of an attribute's text, at most; the rest is cut. Default: no limit. Variables: <c>OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT</c>, <c>OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT</c>.</summary>
    public int? MaxAttributeLength { get; set => field = Assign(value); }

    /// <summary>Names of the properties that were assigned.</summary>
    internal HashSet<string> Assigned { get; } = [];

    private T Assign<T>(T value, [CallerMemberName] string name = "")
    {
        Assigned.Add(name);
        return value;
    }
}
