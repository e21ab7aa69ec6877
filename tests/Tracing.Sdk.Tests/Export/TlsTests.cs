using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;


namespace Tracing.Sdk.Tests.Export;

public sealed class TlsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tracing-tls").FullName;
    private readonly X509Certificate2 _authority = Authority("CN=authority");

    [Fact]
    public void Export_AuthorityOfTheSettings_IsTrusted()
    {
        using var collector = new ScriptedCollector(certificate: Issue("localhost"));
        using var exporter = new ExporterUnderTest(collector.Endpoint, settings => settings with { CertificateFile = Pem("ca.pem", _authority) }).Add();
        Assert.True(exporter.Flush());
        exporter.AssertBooks(exported: 1);
    }

    [Fact]
    public void Export_UnknownAuthority_IsNotTrusted()
    {
        using var collector = new ScriptedCollector(certificate: Issue("localhost"));
        using var exporter = new ExporterUnderTest(collector.Endpoint, isHeld: true).Add();
        Assert.False(exporter.Flush());
        exporter.AssertBooks(inFlight: 1);
        Assert.Contains("OTEL_EXPORTER_OTLP_CERTIFICATE", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Export_CertificateOfAnotherHost_IsNotTrusted()
    {
        using var collector = new ScriptedCollector(certificate: Issue("elsewhere"));
        using var exporter = new ExporterUnderTest(
            collector.Endpoint,
            settings => settings with { CertificateFile = Pem("ca.pem", _authority) },
            isHeld: true).Add();
        Assert.False(exporter.Flush());
        exporter.AssertBooks(inFlight: 1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Export_ClientCertificate_IsShown(bool keyInItsOwnFile)
    {
        using var collector = new ScriptedCollector(certificate: Issue("localhost"), asksForCertificate: true);
        var client = Issue("client");
        var certificate = client.ExportCertificatePem();
        var key = client.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem();
        var file = Write("client.pem", keyInItsOwnFile ? certificate : $"{certificate}\n{key}");
        using var exporter = new ExporterUnderTest(
            collector.Endpoint,
            settings => settings with
            {
                CertificateFile = Pem("ca.pem", _authority),
                ClientCertificateFile = file,
                ClientKeyFile = keyInItsOwnFile ? Write("client.key", key) : null,
            }).Add();
        Assert.True(exporter.Flush());
        Assert.Equal("CN=client", collector.ClientCertificate?.Subject);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static X509Certificate2 Authority(string name)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private X509Certificate2 Issue(string name)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using var issued = request.Create(_authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), [1, 2, 3, 4]);
        using var withKey = issued.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }

    private string Pem(string name, X509Certificate2 certificate) => Write(name, certificate.ExportCertificatePem());

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
