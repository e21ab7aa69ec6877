using System.Net.Security;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Tracing.Sdk.Export;

/// <summary>The PEM files of an exporter's TLS settings, which may be replaced on disk while the process runs. Export thread only.</summary>
internal sealed class TlsFiles(ExporterSettings settings)
{
    private readonly string?[] _paths = [settings.CertificateFile, settings.ClientCertificateFile, settings.ClientKeyFile];
    private readonly string?[] _texts = new string?[3];
    private readonly bool _isUsed = settings.CertificateFile is not null || settings.ClientCertificateFile is not null;

    /// <summary>Reads the files again and tells whether any has another content than at the last time.</summary>
    /// <remarks>By content: a mounted secret is replaced by moving a symbolic link, which leaves the times of the file as they are.</remarks>
    public bool HaveChanged()
    {
        if (!_isUsed) return false;
        var isChanged = false;
        for (var i = 0; i < _paths.Length; i++)
        {
            if (_paths[i] is not { } path) continue;
            var text = Read(path);
            if (text == _texts[i]) continue;
            _texts[i] = text;
            isChanged = true;
        }

        return isChanged;
    }

    /// <summary>Makes TLS options of what was read last.</summary>
    /// <exception cref="CryptographicException">A file is missing or has no usable content; the message names it.</exception>
    public SslClientAuthenticationOptions ToOptions()
    {
        var options = new SslClientAuthenticationOptions();
        var file = settings.CertificateFile;
        try
        {
            if (file is not null)
            {
                var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
                policy.CustomTrustStore.ImportFromPem(Text(0));
                if (policy.CustomTrustStore.Count == 0) throw new CryptographicException("it holds no certificate");
                options.CertificateChainPolicy = policy;
            }

            file = settings.ClientCertificateFile;
            if (file is not null) options.ClientCertificateContext = ClientCertificate();
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new CryptographicException($"{file}: {e.Message}", e);
        }

        return options;
    }

    private SslStreamCertificateContext ClientCertificate()
    {
        var text = Text(1);
        var certificate = X509Certificate2.CreateFromPem(text, settings.ClientKeyFile is null ? text : Text(2));
        if (RuntimeInformation.IsOSPlatform(OSPlatform.Windows))
        {
            // Schannel takes no key that lives in memory only.
            using var ephemeral = certificate;
            certificate = X509CertificateLoader.LoadPkcs12(ephemeral.Export(X509ContentType.Pkcs12), null);
        }

        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(text);
        return SslStreamCertificateContext.Create(certificate, chain, offline: true);
    }

    private string Text(int index) => _texts[index] ?? throw new CryptographicException("it cannot be read");

    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
