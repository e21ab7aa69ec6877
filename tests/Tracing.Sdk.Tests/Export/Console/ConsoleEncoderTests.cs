using System.Diagnostics;
using Tracing.Sdk.Export.Console;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Tests.Export.Encoding;

namespace Tracing.Sdk.Tests.Export.Console;

public sealed class ConsoleEncoderTests
{
    [Fact]
    public void Encode_Span_IsOneLine()
    {
        var activity = TestSpan.Make(
            activity => activity
                .SetTag("http.request.method", "GET")
                .SetTag("forged\nkey", "forged\nvalue")
                .SetTag("http.response.status_code", 500)
                .AddEvent(new("exception"))
                .SetStatus(ActivityStatusCode.Error, "boom"));
        activity.AddLink(new(new ActivityContext(
            ActivityTraceId.CreateFromString("0af7651916cd43dd8448eb211c80319c"), ActivitySpanId.CreateFromString("b7ad6b7169203331"), ActivityTraceFlags.Recorded)));
        Snapshot.Match(System.Text.Encoding.UTF8.GetString(Encoded.Bytes(new ConsoleEncoder(new SpanLimits()), activity)));
    }
}
