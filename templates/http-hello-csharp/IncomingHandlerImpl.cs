using System.Text;
using HelloWorld.wit.imports.wasi.http.v0_2_0;

// The bindings of the world `hello` expect this namespace, and the names of the class and of Handle.
namespace HelloWorld.wit.exports.wasi.http.v0_2_0;

// Answers every request with a line of text that names its path.
public class IncomingHandlerImpl : IIncomingHandler
{
    public static void Handle(ITypes.IncomingRequest request, ITypes.ResponseOutparam responseOut)
    {
        var path = request.PathWithQuery() ?? "";
        Answer(responseOut, 200, $"Hello from C#: {path}\n");
    }

    private static void Answer(ITypes.ResponseOutparam responseOut, ushort status, string text)
    {
        var response = new ITypes.OutgoingResponse(new ITypes.Fields());
        response.SetStatusCode(status);
        var body = response.Body();
        ITypes.ResponseOutparam.Set(
            responseOut, Result<ITypes.OutgoingResponse, ITypes.ErrorCode>.Ok(response));

        using (var stream = body.Write())
        {
            stream.BlockingWriteAndFlush(Encoding.UTF8.GetBytes(text));
        }
        ITypes.OutgoingBody.Finish(body, null);
    }
}
