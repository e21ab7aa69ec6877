using System.Globalization;
using System.Text;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Logging;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Configuration;

/// <summary>One screen about a tracing: what is in force, and what has happened.</summary>
/// <param name="getOptions">Returns the options in force, which change with a reload.</param>
/// <param name="serviceName">The service.</param>
/// <param name="metrics">The counters.</param>
/// <param name="time">The clock.</param>
internal sealed class Description(Func<MeshTracingOptions> getOptions, string serviceName, SpanMetrics metrics, TimeProvider time)
{
    private const int MaxSettings = 16;
    private const int MaxExporters = 2;
    private const int MaxLineLength = 117;

    private readonly long _startedAt = time.GetTimestamp();

    public override string ToString()
    {
        var text = new StringBuilder();
        var options = getOptions();
        var isForward = options.Mode == MeshTracingMode.Forward;
        AddLine(text, $"Tracing.Sdk {SdkVersion.Text}, service {serviceName}, {(isForward ? "forwards headers and records nothing" : "records")} ({options.Origins["Mode"]}), started {Ago(_startedAt)}");
        text.Append("Settings\n");
        AddList(text, [.. StartupLine.GetParts(options, serviceName).Skip(1)], MaxSettings, "settings");
        if (isForward) return text.ToString();
        AddDecisions(text);
        text.Append("Spans\n");
        AddLine(text, $"  {metrics.ToString(isLast: false, isRecording: true).Split(';')[0]}");
        foreach (var exporter in metrics.Exporters.Take(MaxExporters)) AddExporter(text, exporter);
        if (metrics.Exporters.Count == 0) AddLine(text, "No exporter");
        AddRefusals(text);
        return text.ToString();
    }

    private void AddDecisions(StringBuilder text)
    {
        var decisions = metrics.ReadDecisions();
        text.Append("Requests and root spans\n");
        AddLines(text, $"  {decisions.Recorded} recorded{InParentheses(decisions.RecordedReasons)}");
        AddLines(text, $"  {decisions.Refused} not recorded{InParentheses(decisions.RefusedReasons)}");
    }

    private void AddExporter(StringBuilder text, ExporterMetrics exporter)
    {
        AddLine(text, $"Exporter {exporter.ComponentName} to {exporter.State.Endpoint}");
        AddLine(text, $"  {exporter}");
        AddLine(text, $"  buffer {exporter.QueueBytes / 1024} of {exporter.QueueCapacityBytes / 1024} KiB, last success {(exporter.State.LastSuccess is not 0 and var ticks ? Ago(new DateTimeOffset(ticks, TimeSpan.Zero)) : "never")}");
        if (exporter.FindProblem() is { } problem) AddLine(text, $"  {problem}", 2 * MaxLineLength);
        else if (exporter.State.LastFailure is { } failure) AddLine(text, $"  last failure {Ago(failure.At)}: {failure.Cause}", 2 * MaxLineLength);
    }

    private void AddRefusals(StringBuilder text)
    {
        var refusals = metrics.Refusals.Read();
        if (refusals.Count == 0) return;
        text.Append("Not recorded last\n");
        foreach (var refusal in refusals) AddLine(text, $"  {Ago(refusal.At)}: {LogText.Line(refusal.Name, 60)}: {refusal.Reason.Words()}{(refusal.Format is { } format ? $" ({format})" : "")}");
    }

    private static void AddList(StringBuilder text, IReadOnlyList<string> items, int max, string noun)
    {
        foreach (var item in items.Take(max)) AddLine(text, $"  {item}", 2 * MaxLineLength);
        if (items.Count > max) AddLine(text, $"  and {items.Count - max} more {noun}");
    }

    private static string InParentheses(IReadOnlyList<(DecisionReason Reason, long Count)> reasons) => reasons.Count == 0 ? "" : $" ({DecisionSummary.Format(reasons)})";

    // Breaks after a comma: each reason keeps its count.
    private static void AddLines(StringBuilder text, string line)
    {
        while (line.Length > MaxLineLength && line.LastIndexOf(", ", MaxLineLength - 1, StringComparison.Ordinal) is > 0 and var comma)
        {
            AddLine(text, line[..(comma + 1)]);
            line = "    " + line[(comma + 2)..];
        }

        AddLine(text, line);
    }

    private static void AddLine(StringBuilder text, string line, int maxLength = MaxLineLength) => text.Append(LogText.Line(line, maxLength)).Append('\n');

    private string Ago(long timestamp) => Ago(time.GetElapsedTime(timestamp));
    private string Ago(DateTimeOffset at) => Ago(time.GetUtcNow() - at);

    private static string Ago(TimeSpan age) => age switch
    {
        { TotalSeconds: < 120 and var seconds } => string.Create(CultureInfo.InvariantCulture, $"{seconds:0} s ago"),
        { TotalMinutes: < 120 and var minutes } => string.Create(CultureInfo.InvariantCulture, $"{minutes:0} min ago"),
        { TotalHours: < 48 and var hours } => string.Create(CultureInfo.InvariantCulture, $"{hours:0} h ago"),
        { TotalDays: var days } => string.Create(CultureInfo.InvariantCulture, $"{days:0} days ago"),
    };
}
