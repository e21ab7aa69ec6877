using System.Diagnostics;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export.Encoding;

/// <summary>A span's status: that of the activity, or what a hook has made of it, or else that of the tags which older instrumentation sets.</summary>
/// <remarks>https://opentelemetry.io/docs/specs/otel/common/mapping-to-non-otlp/#span-status</remarks>
internal ref struct SpanStatus
{
    public ActivityStatusCode Code;
    public string? Description;

    // False for an event or a link, whose tags are all attributes.
    private readonly bool _isSpan;
    private readonly bool _isSet;

    public SpanStatus(Activity activity, SpanContent? content)
    {
        (Code, Description) = content is null ? (activity.Status, activity.StatusDescription) : (content.Status, content.StatusDescription);
        _isSpan = true;
        _isSet = Code != ActivityStatusCode.Unset;
    }

    /// <summary>Reads a tag that carries the status. Returns false when the tag is an attribute.</summary>
    public bool TryRead(AttributeKey key, object? value)
    {
        if (!_isSpan || !key.IsStatus) return false;
        switch (key.Text)
        {
            case "otel.status_code":
                if (!_isSet) Code = (value as string) switch { "OK" => ActivityStatusCode.Ok, "ERROR" => ActivityStatusCode.Error, _ => ActivityStatusCode.Unset };
                return true;
            case "otel.status_description":
                if (!_isSet) Description = value as string;
                return true;
            default:
                return false;
        }
    }
}
