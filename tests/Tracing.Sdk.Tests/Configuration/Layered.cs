using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Tracing.Sdk.Configuration;

namespace Tracing.Sdk.Tests.Configuration;

/// <summary>Options made of all layers, as the container makes them.</summary>
internal sealed record Layered(MeshTracingOptions Options)
{
    public IReadOnlyList<string> Warnings => Options.Origins.Warnings;

    public static Layered Resolve(IConfiguration? configuration, IEnumerable<Action<MeshTracingOptions>> code) => new(
        new MeshTracingOptionsFactory(configuration, code.Select(c => new ConfigureOptions<MeshTracingOptions>(c)), [], [], () => NullLogger.Instance).Create(""));

    public string OriginOf(string setting) => Options.Origins[setting];
}
