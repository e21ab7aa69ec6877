using System.Diagnostics;
using System.Numerics;

namespace Tracing.Sdk.Recording;

/// <summary>Makes ASP.NET Core create its request Activity where nothing is recorded: the platform injects headers only inside an Activity, so without one a plain
/// HttpClient would forward nothing. The caller's sampled flag stays on it, as it does without this library.</summary>
internal sealed class ForwardListener : IDisposable
{
    // Requests 1, 2, 4, 8 and so on up to this one look for other tracing.
    private const int MaxChecked = 1024;

    // The sampled flag of the parent of the activity that starts on this thread.
    [ThreadStatic]
    private static bool t_isParentSampled;

    private readonly CoexistenceWarnings _warnings;
    private readonly ActivityListener _listener;
    private int _requests;

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
        // Libraries make their sources when they are first used, which is in one of the first requests.
        if (_requests < MaxChecked && BitOperations.IsPow2(++_requests)) _warnings.CheckForwarding(RequestSource);
        return ActivitySamplingResult.PropagationData;
    }

    // The flag is not set by the result of Sample, which would make other listeners record what they have refused.
    private static void OnStarted(Activity activity)
    {
        if (t_isParentSampled && !activity.IsAllDataRequested) activity.ActivityTraceFlags |= ActivityTraceFlags.Recorded;
    }
}
