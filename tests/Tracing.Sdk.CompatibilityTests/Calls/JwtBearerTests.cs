using System.Security.Cryptography;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Calls;

[WorksWith("Microsoft.AspNetCore.Authentication.JwtBearer", "a CLIENT span of each request for keys, in the request that needs them", Name = "JwtBearer")]
public sealed class JwtBearerTests
{
    [Fact]
    public async Task Keys_AreFetchedInTheRequestThatNeedsThem()
    {
        using var rsa = RSA.Create(2048);
        var key = new RsaSecurityKey(rsa) { KeyId = "1" };
        var token = new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor { Issuer = "http://issuer", SigningCredentials = new SigningCredentials(key, SecurityAlgorithms.RsaSha256) });
        var parameters = rsa.ExportParameters(includePrivateParameters: false);
        using var issuer = ScriptedEndpoint.Start(request => new(
            Body: request.Path.EndsWith("openid-configuration", StringComparison.Ordinal)
                ? $$"""{"issuer":"http://issuer","jwks_uri":"http://{{request.Headers["Host"]}}/keys"}"""
                : $$"""{"keys":[{"kty":"RSA","kid":"1","n":"{{Base64UrlEncoder.Encode(parameters.Modulus)}}","e":"{{Base64UrlEncoder.Encode(parameters.Exponent)}}"}]}""",
            ContentType: "application/json"));
        await using var app = await TracedApp.StartAsync(
            app =>
            {
                app.UseAuthentication();
                app.UseAuthorization();
                app.MapGet("/orders", () => "fine").RequireAuthorization();
            },
            builder =>
            {
                builder.Services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer(o =>
                {
                    (o.Authority, o.RequireHttpsMetadata) = (issuer.Address.ToString(), false);
                    o.TokenValidationParameters.ValidateAudience = false;
                });
                builder.Services.AddAuthorization();
            });
        Assert.Equal("fine", await app.GetAsync("/orders", TracedApp.Sampled, $"Authorization: Bearer {token}"));
        var spans = await app.StopAsync();

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT GET
              CLIENT GET
            """,
            TraceOutline.Of(spans));
        issuer.AssertNamesClientSpans(spans);
    }
}
