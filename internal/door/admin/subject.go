package admin

import (
	"context"
	"io"
	"net/http"

	"conclave.chat/internal/door"
	"conclave.chat/internal/door/openapi"
	"conclave.chat/internal/subject"
)

func (h *Handlers) subjectOperations() []openapi.Operation {
	const one, role = "people/{userId}", " Only for administrators with the compliance role."
	export := get(one+"/export", "exportPerson", "A copy of all that the server has of a person, as a zip archive with a README (GDPR 15 and 20)."+role,
		func(*door.Request) (none, error) { return none{}, nil })
	export.Also = []string{"application/zip"}
	export.Handle = h.exportPerson
	return []openapi.Operation{
		export,
		act("POST", one+"/erase", "erasePerson", "End an account for good, and remove what the person stored, sent and uploaded as far as the law lets it (GDPR 17). "+
			"The answer says what goes, and what stays and why. It cannot be undone."+role, h.erasePerson),
	}
}

// archive is a zip archive that is made as it is sent.
type archive struct {
	name  string
	write func(context.Context, io.Writer) error
}

// Respond sends the archive.
func (a archive) Respond(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", `attachment; filename="`+a.name+`"`)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	return a.write(r.Context(), w)
}

func (h *Handlers) exportPerson(r *door.Request) (any, error) {
	user, err := userOf(r)
	if err != nil {
		return nil, err
	}
	write, err := h.Subject.Export(r.Context(), by(r), user)
	if err != nil {
		return nil, err
	}
	return archive{h.Subject.Name(user), write}, nil
}

func (h *Handlers) erasePerson(r *door.Request, _ *none) (subject.Report, error) {
	user, err := userOf(r)
	if err != nil {
		return subject.Report{}, err
	}
	report, err := h.Subject.Erase(r.Context(), by(r), user)
	if err != nil {
		return subject.Report{}, err
	}
	return *report, nil
}
