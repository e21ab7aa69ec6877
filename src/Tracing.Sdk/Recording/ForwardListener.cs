using System.Diagnostics;

namespace Tracing.Sdk.Recording;

/// <summary>
/// Keeps ASP.NET Core's request Activity alive where nothing is recorded: the platform asks for headers only inside an Activity,
/// and without one a plain HttpClient would forward nothing.
/// </summary>
internal sealed class ForwardListener : IDisposable
{
    private readonly ActivityListener _listener;

    /// <param name="requestSource">The source from which ASP.NET Core starts that Activity.</param>
    public ForwardListener(ActivitySource requestSource)
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source == requestSource,
            Sample = static (ref _) => ActivitySamplingResult.PropagationData,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public void Dispose() => _listener.Dispose();
}
