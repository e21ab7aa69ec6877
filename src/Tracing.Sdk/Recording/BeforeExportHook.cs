namespace Tracing.Sdk.Recording;

/// <summary>Calls the application's <c>Export.BeforeExport</c>.</summary>
/// <remarks>Any thread.</remarks>
internal sealed class BeforeExportHook(Action<EndedSpan> hook, UserCode userCode)
{
    [ThreadStatic]
    private static bool t_isRunning;

    /// <summary>Whether a hook runs on this thread. A span that starts meanwhile is not recorded: it would end in the hook again, and so on.</summary>
    public static bool IsRunning => t_isRunning;

    /// <summary>Lets the hook change a span. What it throws is logged once.</summary>
    public void Run(SpanContent span)
    {
        var wasRunning = t_isRunning;
        t_isRunning = true;
        try
        {
            hook(new EndedSpan(span));
        }
        catch (Exception e)
        {
            userCode.Threw("Export:BeforeExport", e);
        }

        t_isRunning = wasRunning;
    }
}
