using System.Reflection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Tracing.Sdk.Configuration;
using Tracing.Sdk.Http;
using Tracing.Sdk.Propagation;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Says how the calls of one client are traced.</summary>
public static class MeshTracingHttpClientBuilderExtensions
{
    /// <summary>Says how the calls of this client are traced, where they should not be traced as the options of <c>AddMeshTracing</c> say:
    /// <c>services.AddHttpClient("partner").ConfigureTracing(o => o.Headers = false)</c>. It holds for any primary handler, and inside of handlers that try again.</summary>
    /// <param name="builder">The client, or the defaults of all clients (<c>services.ConfigureHttpClientDefaults</c>).</param>
    /// <param name="configure">The settings.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="OptionsValidationException">Thrown by the start of the host, or when the client is made: a format is unknown.</exception>
    public static IHttpClientBuilder ConfigureTracing(this IHttpClientBuilder builder, Action<HttpClientTracingOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        builder.Services.Configure(builder.Name, configure);
        builder.Services.AddOptions<HttpClientTracingOptions>(builder.Name).ValidateOnStart();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<HttpClientTracingOptions>, Validation>());
        return builder;
    }

    private sealed class Validation : IValidateOptions<HttpClientTracingOptions>
    {
        private static readonly ItemsAttribute Formats = typeof(PropagationOptions).GetProperty(nameof(PropagationOptions.Formats))!.GetCustomAttribute<ItemsAttribute>()!;

        public ValidateOptionsResult Validate(string? name, HttpClientTracingOptions options)
        {
            foreach (var format in options.Formats)
            {
                if (Formats.Knows(format)) continue;
                var client = string.IsNullOrEmpty(name) ? "HttpClients" : $"the HttpClient \"{name}\"";
                return ValidateOptionsResult.Fail($"ConfigureTracing of {client}: Formats has \"{format}\", but a format is one of {string.Join(", ", Formats.Known)}.");
            }

            return ValidateOptionsResult.Success;
        }
    }
}
