using System.ComponentModel.DataAnnotations;
using Tracing.Sdk.Configuration;

namespace Tracing.Sdk.Export;

/// <summary>How much of one span is exported.</summary>
public sealed class LimitOptions
{
    /// <summary>Attributes of a span, at most. Further ones are left out and counted.</summary>
    /// <value>Default 128; at least 0. Variables: <c>OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT</c>, <c>OTEL_ATTRIBUTE_COUNT_LIMIT</c>.</value>
    /// <remarks>Lower it when a library sets more attributes than the backend should store.</remarks>
    [Variable("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT")]
    [Variable("OTEL_ATTRIBUTE_COUNT_LIMIT")]
    [Range(0, int.MaxValue)]
    public int MaxAttributes { get; set; } = 128;

    /// <summary>Events of a span, at most. Further ones are left out and counted.</summary>
    /// <value>Default 128; at least 0. Variable: <c>OTEL_SPAN_EVENT_COUNT_LIMIT</c>.</value>
    /// <remarks>Lower it for long spans with an event for each message.</remarks>
    [Variable("OTEL_SPAN_EVENT_COUNT_LIMIT")]
    [Range(0, int.MaxValue)]
    public int MaxEvents { get; set; } = 128;

    /// <summary>Links of a span, at most. Further ones are left out and counted.</summary>
    /// <value>Default 128; at least 0. Variable: <c>OTEL_SPAN_LINK_COUNT_LIMIT</c>.</value>
    /// <remarks>Raise it for batches that link to more messages.</remarks>
    [Variable("OTEL_SPAN_LINK_COUNT_LIMIT")]
    [Range(0, int.MaxValue)]
    public int MaxLinks { get; set; } = 128;

    /// <summary>Attributes of an event, at most. Further ones are left out and counted.</summary>
    /// <value>Default 128; at least 0. Variable: <c>OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT</c>.</value>
    /// <remarks>As <see cref="MaxAttributes"/>.</remarks>
    [Variable("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT")]
    [Range(0, int.MaxValue)]
    public int MaxEventAttributes { get; set; } = 128;

    /// <summary>Attributes of a link, at most. Further ones are left out and counted.</summary>
    /// <value>Default 128; at least 0. Variable: <c>OTEL_LINK_ATTRIBUTE_COUNT_LIMIT</c>.</value>
    /// <remarks>As <see cref="MaxAttributes"/>.</remarks>
    [Variable("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT")]
    [Range(0, int.MaxValue)]
    public int MaxLinkAttributes { get; set; } = 128;

    /// <summary>UTF-16 units of an attribute's text, at most. Longer text is cut.</summary>
    /// <value>Default: no limit; at least 0. Variables: <c>OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT</c>, <c>OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT</c>.</value>
    /// <remarks>Set it when attributes hold statements or documents that the backend refuses or cuts.</remarks>
    [Variable("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT")]
    [Variable("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT")]
    [Range(0, int.MaxValue)]
    [Example("4096")]
    public int? MaxAttributeLength { get; set; }
}
