using System.Diagnostics;

namespace Tracing.Sdk.Recording;

/// <summary>Makes ASP.NET Core create its request Activity where nothing is recorded: the platform injects headers only inside an Activity, so without one a plain
/// HttpClient would forward nothing. The caller's sampled flag stays on it, as it does without this library.</summary>
internal sealed class ForwardListener : IDisposable
{
    // The sampled flag of the parent of the activity that starts on this thread.
    [ThreadStatic]
    private static bool t_isParentSampled;

    private readonly CoexistenceWarnings _warnings;
    private readonly ActivityListener _listener;
    private bool _hasChecked;

    /// <param name="requestSource">The source from which ASP.NET Core starts that Activity.</param>
    /// <param name="warnings">Reports other tracing in the process.</param>
    public ForwardListener(ActivitySource requestSource, CoexistenceWarnings warnings)
    {
        (RequestSource, _warnings) = (requestSource, warnings);
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source == requestSource,
            Sample = Sample,
            ActivityStarted = OnStarted,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public ActivitySource RequestSource { get; }

    public void Dispose() => _listener.Dispose();

    private ActivitySamplingResult Sample(ref ActivityCreationOptions<ActivityContext> options)
    {
        t_isParentSampled = (options.Parent.TraceFlags & ActivityTraceFlags.Recorded) != 0;
        if (!_hasChecked)
        {
            _hasChecked = true;
            _warnings.CheckForwarding(RequestSource);
        }

        return ActivitySamplingResult.PropagationData;
    }

    // The flag is not set by the result of Sample, which would make other listeners record what they have refused.
    private static void OnStarted(Activity activity)
    {
        if (t_isParentSampled && !activity.IsAllDataRequested) activity.ActivityTraceFlags |= ActivityTraceFlags.Recorded;
    }
}
