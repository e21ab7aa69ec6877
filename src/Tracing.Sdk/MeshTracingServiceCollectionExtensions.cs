using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OpenTelemetry.Context.Propagation;
using Tracing.Sdk;
using Tracing.Sdk.Configuration;
using Tracing.Sdk.Http;
using Tracing.Sdk.Lifetime;
using Tracing.Sdk.Logging;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Recording;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds distributed tracing to a service.</summary>
public static class MeshTracingServiceCollectionExtensions
{
    /// <summary>Traces this process: requests in (when Tracing.Sdk.AspNetCore is referenced), calls out by any HttpClient, and every
    /// <see cref="System.Diagnostics.ActivitySource"/>. Nothing else needs to be called, and calling it twice does no harm.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Options in code, as by <c>services.Configure&lt;MeshTracingOptions&gt;(...)</c>. They win over the <c>MeshTracing</c> section of the
    /// configuration, which wins over the <c>OTEL_*</c> variables.</param>
    /// <returns>The same services.</returns>
    /// <remarks>A wrong value in code or in the section stops the start of the host with one sentence that names the setting, the value and the fix. A wrong value in a variable is ignored with a warning.</remarks>
    public static IServiceCollection AddMeshTracing(this IServiceCollection services, Action<MeshTracingOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (configure is not null) services.Configure(configure);
        if (services.Any(s => s.ServiceType == typeof(MeshTracing))) return services;

        // Handlers capture it when they are built, so it has to be there before the first one.
        OutboundPropagator.Install();
        ActivityIds.UseW3C();

        services.AddOptions<MeshTracingOptions>().ValidateOnStart();
        services.AddSingleton<IOptionsFactory<MeshTracingOptions>>(provider => new MeshTracingOptionsFactory(
            provider.GetService<IConfiguration>(),
            provider.GetServices<IConfigureOptions<MeshTracingOptions>>(),
            provider.GetServices<IPostConfigureOptions<MeshTracingOptions>>(),
            provider.GetServices<IValidateOptions<MeshTracingOptions>>(),
            () => MeshTracing.CreateLogger(provider.GetService<ILoggerFactory>())));
        services.AddSingleton<IOptionsChangeTokenSource<MeshTracingOptions>>(provider => new ConfigurationChangeTokenSource<MeshTracingOptions>(
            provider.GetService<IConfiguration>() ?? new ConfigurationManager()));
        services.AddSingleton(Start);
        services.AddSingleton(provider => new Lazy<MeshTracing>(provider.GetRequiredService<MeshTracing>));
        services.AddSingleton(provider => provider.GetRequiredService<Lazy<MeshTracing>>().Value.Instance);
        services.AddSingleton(provider => new Lazy<TracingInstance>(provider.GetRequiredService<TracingInstance>));
        services.AddSingleton<LastRedisSpans>();
        // First in the list: started before every other hosted service.
        services.Insert(0, ServiceDescriptor.Singleton<IHostedService, MeshTracingService>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHttpMessageHandlerBuilderFilter, TracingHandlerFilter>());
        services.TryAddSingleton<TextMapPropagator>(provider =>
        {
            var tracing = provider.GetRequiredService<TracingInstance>();
            return new FreshestContextPropagator(tracing.Propagation.Settings, injected: () => tracing.Recorder?.NoteSent(Activity.Current));
        });
        // TraceId and SpanId on every log line. First in the list: what the host or the application sets, None included, is applied later and holds.
        services.Insert(0, ServiceDescriptor.Singleton<IConfigureOptions<LoggerFactoryOptions>>(new ConfigureOptions<LoggerFactoryOptions>(
            o => o.ActivityTrackingOptions = ActivityTrackingOptions.TraceId | ActivityTrackingOptions.SpanId)));
        AddWebHalf(services);
        return services;
    }

    private static MeshTracing Start(IServiceProvider provider)
    {
        var host = provider.GetService<IHostEnvironment>();
        var loggers = provider.GetService<ILoggerFactory>();
        var options = provider.GetRequiredService<IOptionsMonitor<MeshTracingOptions>>();
        var tracing = MeshTracing.Start(
            options.CurrentValue,
            host?.ApplicationName ?? "",
            host?.EnvironmentName,
            MeshTracing.CreateLogger(loggers),
            provider.GetService<TimeProvider>() ?? TimeProvider.System,
            hasHost: provider.GetService<IHostApplicationLifetime>() is not null,
            MeshTracing.IsDisposed(loggers));
        tracing.ReloadOn(options.OnChange(tracing.Reload));
        CheckWebHalf(FindWebHalf(), provider, MeshTracing.CreateLogger(loggers));
        return tracing;
    }

    /// <summary>Warns where the container has a web server and the package for it is missing.</summary>
    internal static void CheckWebHalf(Type? webHalf, IServiceProvider provider, ILogger logger)
    {
        if (webHalf is not null) return;
        var server = Type.GetType("Microsoft.AspNetCore.Hosting.Server.IServer, Microsoft.AspNetCore.Hosting.Server.Abstractions");
        if (server is not null && provider.GetService<IServiceProviderIsService>()?.IsService(server) == true) Log.WebHalfMissing(logger);
    }

    private static void AddWebHalf(IServiceCollection services) => FindWebHalf()?.GetMethod("Add")?.Invoke(null, [services]);

    // The package for any process cannot reference the one for the web. A literal name is understood by the trimmer.
    [return: DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicMethods)]
    private static Type? FindWebHalf() => Type.GetType("Tracing.Sdk.AspNetCore.WebTracing, Tracing.Sdk.AspNetCore");
}
