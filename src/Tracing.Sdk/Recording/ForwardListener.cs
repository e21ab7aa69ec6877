using System.Diagnostics;

namespace Tracing.Sdk.Recording;

/// <summary>
/// Keeps ASP.NET Core's request Activity alive where nothing is recorded: the platform asks for headers only inside an Activity,
/// and without one a plain HttpClient would forward nothing.
/// </summary>
internal sealed class ForwardListener : IDisposable
{
    private readonly ActivityListener _listener = new()
    {
        ShouldListenTo = static source => source.Name == "Microsoft.AspNetCore",
        Sample = static (ref _) => ActivitySamplingResult.PropagationData,
    };

    public ForwardListener() => ActivitySource.AddActivityListener(_listener);

    public void Dispose() => _listener.Dispose();
}
