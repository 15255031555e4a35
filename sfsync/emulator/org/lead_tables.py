"""The tables of leads and of the queues that may own them, in the form of `standard_tables.py`.

A lead is owned by a user or by a group; IsConverted may be said on create only, and the ids of what a lead
became are read-only. Source: recorded Lead describe [R]; Object Reference, Group and LeadStatus [D].
"""

from typing import Final

LEAD_OBJECTS: Final[dict[str, tuple[str, str, str, str, str]]] = {
    "Lead": (
        "00Q",
        "Lead",
        "Leads",
        "cudUsfb",
        """
MasterRecordId    ref:Lead         Nfsg rel=MasterRecord
LastName          string:80        CUfsg
FirstName         string:40        CUNfsg
Salutation        picklist:40      CUNfsg values=salutation
Name              string:121       Lfsgn label=Full_Name
Title             string:128       CUNfsg
Company           string:255       CUfsg
Street            textarea:255     CUNfsg
City              string:40        CUNfsg
State             string:80        CUNfsg
PostalCode        string:20        CUNfsg
Country           string:80        CUNfsg
Phone             phone:40         CUNfsg
MobilePhone       phone:40         CUNfsg
Fax               phone:40         CUNfsg
Email             email:80         CUNLfsg
Website           url:255          CUNfsg
Description       textarea:32000   CUN
LeadSource        picklist:255     CUNfsg values=lead_source
Status            picklist:255     CUDfsg values=lead_status
Industry          picklist:255     CUNfsg values=industry
Rating            picklist:255     CUNfsg values=rating
AnnualRevenue     currency:18,0    CUNfs
NumberOfEmployees int:8            CUNfsg label=Employees
OwnerId           ref:Group,User   CUDfsg rel=Owner label=Owner_ID
IsConverted       boolean          CDfsg label=Converted
ConvertedDate     date             Nfsg
ConvertedAccountId ref:Account     Nfsg rel=ConvertedAccount
ConvertedContactId ref:Contact     Nfsg rel=ConvertedContact
ConvertedOpportunityId ref:Opportunity Nfsg rel=ConvertedOpportunity
""",
    ),
    "LeadStatus": (
        "01Y",
        "Lead Status Value",
        "Lead Status Value",
        "",
        """
MasterLabel       string:255       Nfsg
ApiName           string:255       NLfsg
SortOrder         int:8            Nfsg
IsDefault         boolean          Dfsg
IsConverted       boolean          Dfsg
""",
    ),
    "Group": (
        "00G",
        "Group",
        "Group",
        "",
        """
Name              string:40        fsgn
DeveloperName     string:80        Nfsg
RelatedId         ref:User         Nfsg rel=Related
Type              picklist:40      fsg
Email             email:255        Nfsg
DoesSendEmailToMembers boolean     Dfsg
DoesIncludeBosses boolean          Dfsg
""",
    ),
}
