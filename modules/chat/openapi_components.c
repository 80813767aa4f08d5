#include "chat/openapi_write.h"
#include "chat/reply.h"
#include "chat/request_files.h"

#include <stdio.h>
#include <string.h>

#define SESSION_ID "'type':'string','pattern':'^[0-9A-Za-z._:-]+$','minLength':2,'maxLength':100"
#define TIME       "{'type':'string','format':'date-time'}"
#define NULLABLE   "{'type':['string','null']}"

/* A schema that never differs, and the kinds of locations that need it. */
typedef struct {
    const char *name;
    unsigned kinds;
    const char *json;
} schema_t;

#define ON(kind) (1U << OPENAPI_##kind)

static const schema_t schemas[] = {
    {"ChatResponse", ON(CHAT),
     "{'type':'object','required':['response','session_id','timestamp','tokens_used',"
     "'processing_time_ms'],'properties':{'response':{'type':'string'},'session_id':{" SESSION_ID
     ",'description':'Send it with the next message.'},'timestamp':" TIME ",'tokens_used':{"
     "'type':['integer','null'],'minimum':0},'processing_time_ms':{'type':'number'},"
     "'session':{'const':'unsaved','description':'In a stream: the session could not be "
     "saved.'}}}"},
    {"File", ON(CHAT),
     "{'type':'object','required':['name','media_type','data'],'properties':{'name':{"
     "'type':'string','minLength':1,'maxLength':255,'description':'No control character and no "
     "slash.'},'media_type':{'type':'string','maxLength':127,'examples':['text/plain']},"
     "'data':{'type':'string','contentEncoding':'base64','minLength':4}}}"},
    {"SessionEvent", ON(CHAT),
     "{'type':'object','required':['session_id','request_id'],'properties':{'session_id':{"
     "'type':'string'},'request_id':{'type':'string'}}}"},
    {"DeltaEvent", ON(CHAT),
     "{'type':'object','required':['text'],'properties':{'text':{'type':'string',"
     "'description':'The next piece of the answer, whole characters.'}}}"},
    {"ValidationError", ON(CHAT),
     "{'type':'object','required':['type','loc','msg'],'properties':{'type':{'type':'string',"
     "'examples':['missing']},'loc':{'type':'array','items':{'type':['string','integer']}},"
     "'msg':{'type':'string'},'input':{'description':'What was given.'},'ctx':{"
     "'type':'object'}}}"},
    {"Session", ON(SESSIONS),
     "{'type':'object','required':['session_id','user_id','created_at','updated_at','expires_at',"
     "'turns','last_message','history'],'properties':{'session_id':{" SESSION_ID
     "},'user_id':" NULLABLE ",'created_at':" TIME ",'updated_at':" TIME ",'expires_at':" TIME
     ",'turns':{'type':'integer','minimum':0},'last_message':" NULLABLE
     ",'history':{'type':'array','items':{'$ref':'#/components/schemas/HistoryMessage'}}}}"},
    {"HistoryMessage", ON(SESSIONS),
     "{'type':'object','required':['role','text'],'properties':{'role':{'enum':['user',"
     "'assistant']},'text':{'type':'string'}}}"},
    {"HealthResponse", ON(HEALTH),
     "{'type':'object','required':['status','timestamp','version'],'properties':{'status':{"
     "'const':'healthy'},'timestamp':" TIME ",'version':{'type':'string'}}}"},
    {"ReadyResponse", ON(READINESS),
     "{'type':'object','required':['status','checks','timestamp','version'],'properties':{"
     "'status':{'enum':['ready','not_ready']},'checks':{'type':'object','description':'A word on "
     "each part: ok, or what it lacks.','additionalProperties':{'type':'string'}},'timestamp':" TIME
     ",'version':{'type':'string'}}}"},
    {"CompletionMessage", ON(COMPLETIONS),
     "{'type':'object','required':['role'],'properties':{'role':{'enum':['system','developer',"
     "'user','assistant','tool']},'content':{'anyOf':[{'type':'string'},{'type':'array',"
     "'minItems':1,'items':{'type':'object','required':['type','text'],'properties':{'type':{"
     "'const':'text'},'text':{'type':'string'}}}},{'type':'null'}]}}}"},
    {"Completion", ON(COMPLETIONS),
     "{'type':'object','required':['id','object','created','model','choices'],'properties':{"
     "'id':{'type':'string'},'object':{'const':'chat.completion'},'created':{'type':'integer'},"
     "'model':{'type':'string'},'choices':{'type':'array','items':{'type':'object','properties':{"
     "'index':{'type':'integer'},'message':{'$ref':'#/components/schemas/CompletionMessage'},"
     "'finish_reason':{'type':['string','null']}}}},'usage':{'$ref':"
     "'#/components/schemas/CompletionUsage'}}}"},
    {"CompletionChunk", ON(COMPLETIONS),
     "{'type':'object','required':['id','object','created','model','choices'],'properties':{"
     "'id':{'type':'string'},'object':{'const':'chat.completion.chunk'},'created':{"
     "'type':'integer'},'model':{'type':'string'},'choices':{'type':'array','items':{"
     "'type':'object','properties':{'index':{'type':'integer'},'delta':{'type':'object',"
     "'properties':{'role':{'type':'string'},'content':{'type':['string','null']}}},"
     "'finish_reason':{'type':['string','null']}}}},'usage':{'anyOf':[{'$ref':"
     "'#/components/schemas/CompletionUsage'},{'type':'null'}]}}}"},
    {"CompletionUsage", ON(COMPLETIONS),
     "{'type':'object','properties':{'prompt_tokens':{'type':'integer'},'completion_tokens':{"
     "'type':'integer'},'total_tokens':{'type':'integer'}}}"},
    {"CompletionError", ON(COMPLETIONS),
     "{'type':'object','required':['error'],'properties':{'error':{'type':'object','required':["
     "'message','type'],'properties':{'message':{'type':'string'},'type':{'type':'string'},"
     "'param':" NULLABLE ",'code':" NULLABLE "}}}}"},
    {"ModelList", ON(COMPLETIONS),
     "{'type':'object','required':['object','data'],'properties':{'object':{'const':'list'},"
     "'data':{'type':'array','items':{'$ref':'#/components/schemas/Model'}}}}"},
    {"Model", ON(COMPLETIONS),
     "{'type':'object','required':['id','object','created','owned_by'],'properties':{'id':{"
     "'type':'string'},'object':{'const':'model'},'created':{'type':'integer'},'owned_by':{"
     "'type':'string'}}}"},
};

static unsigned kinds_of(const openapi_t *api)
{
    unsigned kinds = 0;
    size_t i;

    for (i = 0; i < api->location_count; i++) {
        kinds |= 1U << api->locations[i].kind;
    }
    return kinds;
}

/* ---- the ones that differ ---- */

static void put_files(json_writer_t *writer, const openapi_location_t *location)
{
    char json[512];

    (void)snprintf(
        json, sizeof(json),
        "{'type':['array','null'],'maxItems':%d,'items':{'$ref':'#/components/schemas/File'},"
        "'description':'At most %lld bytes together, decoded; and the whole body at most %lld "
        "bytes. Some kinds may not be taken.'}",
        REQUEST_FILES_MAX, (long long)REQUEST_FILES_BYTES_MAX, (long long)location->max_body);
    openapi_put_named(writer, "files", json);
}

static void put_chat_request(json_writer_t *writer, const openapi_t *api,
                             const openapi_location_t *location)
{
    const openapi_suffix_t suffix = openapi_suffix(api, location);
    char name[64];
    char message[256];

    (void)snprintf(name, sizeof(name), "ChatRequest%s", suffix.text);
    (void)snprintf(message, sizeof(message),
                   "{'type':'string','minLength':1,'maxLength':%lld,'description':'Characters are "
                   "Unicode code points.','examples':['Hello']}",
                   (long long)location->max_message);
    json_name(writer, name);
    json_open(writer, '{');
    openapi_put(writer, "'type':'object','required':['message']");
    json_name(writer, "properties");
    json_open(writer, '{');
    openapi_put_named(writer, "message", message);
    openapi_put(writer,
                "'session_id':{'anyOf':[{" SESSION_ID "},{'type':'null'}],'description':'Goes on "
                "with a session; without it a new one begins.'},"
                "'user_id':{'type':['string','null'],'maxLength':1024,'description':'Whose session "
                "it is; where the server knows the user itself, this is not looked at.'}");
    openapi_put_named(writer, "stream",
                      location->streams ? "{'type':['boolean','null'],'default':false}"
                                        : "{'type':['boolean','null'],'default':false,"
                                          "'description':'This location does not stream.'}");
    if (location->takes_files) {
        put_files(writer, location);
    }
    json_close(writer, '}');
    json_close(writer, '}');
}

/* CompletionRequest of a location: with the model that is there. */
static void put_completion_request(json_writer_t *writer, const openapi_t *api,
                                   const openapi_location_t *location)
{
    const openapi_suffix_t suffix = openapi_suffix(api, location);
    char name[64];

    (void)snprintf(name, sizeof(name), "CompletionRequest%s", suffix.text);
    json_name(writer, name);
    json_open(writer, '{');
    openapi_put(writer, "'type':'object','required':['model','messages']");
    json_name(writer, "properties");
    json_open(writer, '{');
    json_name(writer, "model");
    json_open(writer, '{');
    json_put_member(writer, "const", location->model);
    json_close(writer, '}');
    openapi_put_named(
        writer, "messages",
        "{'type':'array','minItems':1,'description':'The last one is the user\\u2019s, "
        "and answered.','items':{'$ref':'#/components/schemas/CompletionMessage'}}");
    openapi_put_named(writer, "stream",
                      location->streams ? "{'type':['boolean','null'],'default':false}"
                                        : "{'enum':[false,null]}");
    openapi_put(writer, "'stream_options':{'type':['object','null'],'properties':{"
                        "'include_usage':{'type':['boolean','null']}}},"
                        "'user':{'type':['string','null'],'maxLength':1024},"
                        "'temperature':{'type':['number','null'],'minimum':0,'maximum':2},"
                        "'max_tokens':{'type':['integer','null'],'minimum':1}");
    json_close(writer, '}');
    json_close(writer, '}');
}

/* The whole table of errors, whatever the locations. */
static void put_error_response(json_writer_t *writer, unsigned kinds)
{
    int reply;

    json_name(writer, "ErrorResponse");
    json_open(writer, '{');
    json_put_member(writer, "type", "object");
    openapi_put_named(writer, "required",
                      "['error','error_code','timestamp','request_id','detail']");
    json_name(writer, "properties");
    json_open(writer, '{');
    openapi_put_named(writer, "error", "{'type':'string'}");
    json_name(writer, "error_code");
    json_open(writer, '{');
    json_name(writer, "enum");
    json_open(writer, '[');
    for (reply = REPLY_ANSWER + 1; reply < REPLY_CLIENT_GONE; reply++) {
        json_put_text(writer, reply_error((reply_e)reply)->code);
    }
    json_close(writer, ']');
    json_close(writer, '}');
    openapi_put_named(writer, "timestamp", TIME);
    openapi_put_named(writer, "request_id", "{'type':'string'}");
    openapi_put_named(writer, "detail",
                      (kinds & ON(CHAT)) != 0
                          ? "{'oneOf':[{'type':'string'},{'type':'array','items':{'$ref':"
                            "'#/components/schemas/ValidationError'}}],'description':'The text "
                            "again, or what is wrong with the request.'}"
                          : "{'type':'string'}");
    json_close(writer, '}');
}

static int timeout_status_of(const openapi_t *api)
{
    size_t i;

    for (i = 0; i < api->location_count; i++) {
        if (api->locations[i].kind == OPENAPI_CHAT) {
            return api->locations[i].timeout_status;
        }
    }
    return reply_error(REPLY_UPSTREAM_TIMEOUT)->status;
}

/* code: status, Retry-After and text of each. */
static void put_error_codes(json_writer_t *writer, const openapi_t *api)
{
    int reply;

    json_name(writer, "x-error-codes");
    json_open(writer, '{');
    for (reply = REPLY_ANSWER + 1; reply < REPLY_CLIENT_GONE; reply++) {
        const reply_error_t *error = reply_error((reply_e)reply);
        json_name(writer, error->code);
        json_open(writer, '{');
        json_name(writer, "status");
        json_put_integer(writer,
                         reply == REPLY_UPSTREAM_TIMEOUT ? timeout_status_of(api) : error->status);
        if (error->retry_after > 0) {
            json_name(writer, "retry_after_seconds");
            json_put_integer(writer, error->retry_after);
        }
        json_put_member(writer, "text", error->text);
        json_close(writer, '}');
    }
    json_close(writer, '}');
}

static void put_schemas(json_writer_t *writer, const openapi_t *api)
{
    const unsigned kinds = kinds_of(api);
    size_t i;

    json_name(writer, "schemas");
    json_open(writer, '{');
    for (i = 0; i < api->location_count; i++) {
        if (api->locations[i].kind == OPENAPI_CHAT) {
            put_chat_request(writer, api, &api->locations[i]);
        } else if (api->locations[i].kind == OPENAPI_COMPLETIONS) {
            put_completion_request(writer, api, &api->locations[i]);
        }
    }
    for (i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
        if ((schemas[i].kinds & kinds) != 0) {
            openapi_put_named(writer, schemas[i].name, schemas[i].json);
        }
    }
    put_error_response(writer, kinds);
    put_error_codes(writer, api);
    json_close(writer, '}');
    json_close(writer, '}');
}

/* ---- the rest ---- */

static void put_parameters(json_writer_t *writer)
{
    openapi_put_named(
        writer, "parameters",
        "{'RequestId':{'name':'X-Request-ID','in':'header','description':'Comes back with the "
        "answer and stands in the log; made when it is not given.','schema':{'type':'string',"
        "'pattern':'^[0-9A-Za-z._-]+$','maxLength':128}},"
        "'SessionId':{'name':'session_id','in':'path','required':true,'schema':{" SESSION_ID "}},"
        "'SessionHeader':{'name':'X-Session-Id','in':'header','description':'Goes on with a "
        "session.','schema':{" SESSION_ID "}},"
        "'Model':{'name':'model','in':'path','required':true,'schema':{'type':'string'}},"
        "'UserId':{'name':'user_id','in':'query','description':'Whose session it is; where the "
        "server knows the user itself, this is not looked at.','schema':{'type':'string'}}}");
}

static void put_headers(json_writer_t *writer)
{
    openapi_put_named(
        writer, "headers",
        "{'RequestId':{'description':'The id of this request, in the log too.','schema':{"
        "'type':'string'}},"
        "'SessionId':{'description':'The session that the answer belongs to.','schema':{"
        "'type':'string'}},"
        "'RateLimitPolicy':{'description':'Where there is a limit: how many requests in how many "
        "seconds.','schema':{'type':'string'},'example':'\\'default\\';q=100;w=3600'},"
        "'RateLimit':{'description':'How many are left, and the seconds until there are "
        "more.','schema':{'type':'string'},'example':'\\'default\\';r=99;t=3600'},"
        "'RetryAfter':{'description':'Seconds to wait.','schema':{'type':'integer',"
        "'minimum':1}},"
        "'Allow':{'description':'The methods that are.','schema':{'type':'string'}},"
        "'ChatbotSession':{'description':'When the session could not be saved: unsaved.',"
        "'schema':{'const':'unsaved'}}}");
}

static const struct {
    const char *name;
    const char *json;
} schemes[] = {
    {"basic", "{'type':'http','scheme':'basic'}"},
    {"digest", "{'type':'http','scheme':'digest'}"},
    {"bearer", "{'type':'http','scheme':'bearer'}"},
    {"negotiate", "{'type':'http','scheme':'negotiate'}"},
    {"cookie", "{'type':'apiKey','in':'cookie','name':'session','description':'The server asks "
               "who you are; what its cookie is called is not known here.'}"},
};

static int is_asked(const openapi_t *api, const char *scheme)
{
    size_t i;

    for (i = 0; i < api->location_count; i++) {
        if (api->locations[i].auth != NULL && strcmp(api->locations[i].auth, scheme) == 0) {
            return 1;
        }
    }
    return 0;
}

static void put_security_schemes(json_writer_t *writer, const openapi_t *api)
{
    size_t i;

    json_name(writer, "securitySchemes");
    json_open(writer, '{');
    for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (is_asked(api, schemes[i].name)) {
            openapi_put_named(writer, schemes[i].name, schemes[i].json);
        }
    }
    json_close(writer, '}');
}

void openapi_put_components(json_writer_t *writer, const openapi_t *api)
{
    json_name(writer, "components");
    json_open(writer, '{');
    put_schemas(writer, api);
    put_parameters(writer);
    put_headers(writer);
    put_security_schemes(writer, api);
    json_close(writer, '}');
}
