using System.Diagnostics;

namespace Tracing.Sdk.Export.Encoding;

/// <summary>A span's status: that of the activity, or else that of the tags which older instrumentation sets.</summary>
/// <remarks>https://opentelemetry.io/docs/specs/otel/common/mapping-to-non-otlp/#span-status</remarks>
/// <param name="activity">The span; null for an event or a link, whose tags are all attributes.</param>
internal ref struct SpanStatus(Activity? activity)
{
    public ActivityStatusCode Code = activity?.Status ?? ActivityStatusCode.Unset;
    public string? Description = activity?.StatusDescription;

    private readonly bool _isSpan = activity is not null;
    private readonly bool _isSet = activity is { Status: not ActivityStatusCode.Unset };

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
