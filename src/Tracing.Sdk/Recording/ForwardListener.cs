using System.Diagnostics;

namespace Tracing.Sdk.Recording;

/// <summary>
/// Keeps ASP.NET Core's request Activity alive where nothing is recorded: the platform asks for headers only inside an Activity,
/// and without one a plain HttpClient would forward nothing.
/// </summary>
internal sealed class ForwardListener : IDisposable
{
    /// <summary>The source from which ASP.NET Core starts that Activity, unless the application has registered one of its own.</summary>
    public const string RequestSource = "Microsoft.AspNetCore";

    private readonly ActivityListener _listener;

    /// <param name="requestSource">The name of that source.</param>
    public ForwardListener(string requestSource)
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == requestSource,
            Sample = static (ref _) => ActivitySamplingResult.PropagationData,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public void Dispose() => _listener.Dispose();
}
