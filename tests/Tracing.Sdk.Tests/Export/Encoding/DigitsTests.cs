using System.Globalization;
using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Tests.Export.Encoding;

public sealed class DigitsTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(8080)]
    [InlineData(99_999_999)]
    [InlineData(100_000_000)]
    [InlineData(1544712660000001)]
    [InlineData(9_999_999_999_999_999)]
    [InlineData(10_000_000_000_000_000)]
    [InlineData(long.MaxValue)]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    public void Put_Number_IsItsText(long value) => Assert.Equal(value.ToString(CultureInfo.InvariantCulture), Text(value));

    [Fact]
    public void Put_EveryFourDigitsInEveryPlace_AreThose()
    {
        for (var four = 0; four < 10_000; four++)
        {
            Assert.Equal($"{four}", Text(four));
            Assert.Equal($"1{four:0000}{four:0000}", Text(100_000_000 + (four * 10_001L)));
        }
    }

    private static string Text(long value)
    {
        var bytes = new byte[Digits.Room];
        return System.Text.Encoding.UTF8.GetString(bytes, 0, Digits.Put(ref bytes[0], value));
    }
}
