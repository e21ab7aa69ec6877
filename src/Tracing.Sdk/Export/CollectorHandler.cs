using System.Net.Security;
using System.Runtime.InteropServices;
using System.Security.Cryptography.X509Certificates;

namespace Tracing.Sdk.Export;

/// <summary>Builds what requests to a collector go through: no redirects, no cookies, no spans, the TLS files of the settings.</summary>
internal static class CollectorHandler
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    // A collector behind a name moves; a connection that lives for ever never follows.
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(5);

    public static HttpMessageHandler Create(ExporterSettings settings)
    {
        if (settings.HandlerFactory is { } factory)
        {
            var handler = factory();
            var innermost = handler;
            while (innermost is DelegatingHandler { InnerHandler: { } inner }) innermost = inner;
            // Or its requests become spans, which become requests.
            if (innermost is SocketsHttpHandler sockets) sockets.ActivityHeadersPropagator = null;
            return handler;
        }

        if (!IsProxied(settings.Endpoint)) return new DirectHandler(Tls(settings));
        return new SocketsHttpHandler
        {
            ActivityHeadersPropagator = null,
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = ConnectTimeout,
            PooledConnectionLifetime = ConnectionLifetime,
            SslOptions = Tls(settings),
        };
    }

    // HTTP_PROXY and its relatives
    private static bool IsProxied(Uri endpoint) =>
        !HttpClient.DefaultProxy.IsBypassed(endpoint) && HttpClient.DefaultProxy.GetProxy(endpoint) is { } proxy && proxy != endpoint;

    private static SslClientAuthenticationOptions Tls(ExporterSettings settings)
    {
        var options = new SslClientAuthenticationOptions();
        if (settings.CertificateFile is { } authorities)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPemFile(authorities);
            options.CertificateChainPolicy = policy;
        }

        if (settings.ClientCertificateFile is { } file)
        {
            var certificate = X509Certificate2.CreateFromPemFile(file, settings.ClientKeyFile);
            if (RuntimeInformation.IsOSPlatform(OSPlatform.Windows))
            {
                // Schannel takes no key that lives in memory only.
                using var ephemeral = certificate;
                certificate = X509CertificateLoader.LoadPkcs12(ephemeral.Export(X509ContentType.Pkcs12), null);
            }

            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(file);
            options.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, chain, offline: true);
        }

        return options;
    }
}
