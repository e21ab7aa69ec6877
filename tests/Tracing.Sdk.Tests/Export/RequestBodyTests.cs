using Tracing.Sdk.Export.Http;
using Tracing.Sdk.Export.Buffer;

namespace Tracing.Sdk.Tests.Export;

public sealed class RequestBodyTests
{
    private const string Text = "<one|two|three><four>";

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(100)]
    public void Read_InPieces_IsAllInOrder(int size)
    {
        using var reader = Body().Open();
        var read = new List<byte>();
        var piece = new byte[size];
        for (int count; (count = reader.Read(piece)) > 0;) read.AddRange(piece.AsSpan(0, count));
        Assert.Equal(Text, System.Text.Encoding.ASCII.GetString([.. read]));
        Assert.Equal(Text.Length, reader.Position);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10_000)]
    public void CopyTo_FromAnyPlace_IsTheRest(int padding)
    {
        var body = Body(padding);
        var all = Rest(body.Open());
        foreach (var position in (int[])[0, 1, 5, 18])
        {
            using var reader = body.Open();
            reader.Position = position;
            using var copy = new MemoryStream();
            reader.CopyTo(copy);
            Assert.Equal(all[position..], System.Text.Encoding.ASCII.GetString(copy.ToArray()));
            Assert.Equal((reader.Length, 0), (reader.Position, reader.Read(new byte[1])));
        }
    }

    [Fact]
    public void Length_Parts_IsTheirSum() => Assert.Equal((Text.Length, Text.Length), (Body().Length, Body().Open().Length));

    [Fact]
    public void Seek_AnyPlace_ReadsOnFromThere()
    {
        var body = Body();
        for (var i = 0; i <= Text.Length; i++)
        {
            var reader = body.Open();
            reader.Position = i;
            Assert.Equal(Text[i..], Rest(reader));
        }
    }

    [Fact]
    public void Seek_BeyondTheEnd_Throws() => Assert.Throws<ArgumentOutOfRangeException>(() => Body().Open().Position = Text.Length + 1);

    [Fact]
    public void Open_Twice_EachHasItsPlace()
    {
        var body = Body();
        using var first = body.Open();
        first.Position = 10;
        Assert.Equal(Text, Rest(body.Open()));
        Assert.Equal(Text[10..], Rest(first));
    }

    [Fact]
    public async Task ToContent_ReadAsAStream_IsAllOfIt()
    {
        using var content = Body().ToContent();
        Assert.Equal(Text, Rest(await content.ReadAsStreamAsync()));
        Assert.Equal(Text.Length, content.Headers.ContentLength);
    }

    [Fact]
    public async Task ToContent_ReadAsText_IsAllOfIt()
    {
        using var content = Body().ToContent();
        Assert.Equal(Text, await content.ReadAsStringAsync());
    }

    [Fact]
    public void Clear_Body_IsEmpty()
    {
        var body = Body();
        body.Clear();
        Assert.Equal(("", 0), (Rest(body.Open()), body.Length));
        body.Add("new"u8);
        Assert.Equal("new", Rest(body.Open()));
    }

    private static string Rest(Stream reader) => new StreamReader(reader).ReadToEnd();

    private static RequestBody Body(int padding = 0)
    {
        var buffer = new SpanBuffer(1024 * 1024, 512, null);
        foreach (var (span, scope) in ((string, int)[])[("|one", 0), ("|two", 0), ("|three", 0), ("four", 1)])
        {
            buffer.Append(System.Text.Encoding.ASCII.GetBytes(span + new string(' ', padding)), scope, false, out _);
        }

        buffer.Seal();
        var batch = new SpanBatch(512, 1024 * 1024);
        buffer.TryTake(batch);
        var body = new RequestBody();
        body.Add("<"u8);
        body.Add(batch.Runs[0], skip: 1);
        body.Add(">"u8);
        body.Add("<"u8);
        body.Add(batch.Runs[1]);
        body.Add(default);
        body.Add(">"u8);
        return body;
    }
}
