"""What other systems call the columns of customers, and the words they write in them; English and Chinese."""

from __future__ import annotations

_NAMES: dict[str, str] = {
    "number": (
        "customer number, customer, customer id, customer no, cust id, client id, client num, "
        "client number, cif, 客户号, 客户编号, 客户代码, 客户ID, 客户标识, 核心客户号, member id, "
        "user id, id, cust no, cust num, client, client no, client code, customer code, customer num, "
        "customer key, party id, cif no, cif number, ecif, 客户, 客户内码, 客户序号, 核心客户编号, "
        "ECIF号, 会员号"
    ),
    "kind": (
        "customer kind, customer type, client type, 客户类型, 客户类别, customer category, "
        "client category, 客户性质"
    ),
    "name": (
        "customer name, client name, full name, 姓名, 客户名称, 客户姓名, 户名, 名称, surname, "
        "last name, contact name, account name, customer full name, 客户名, 中文姓名, 客户中文名称, "
        "客户全称, 账户名称"
    ),
    "gender": "sex, code gender, 性别, customer gender, gender code, 客户性别",
    "birth_date": (
        "date of birth, birthdate, birthday, dob, 出生日期, 出生年月日, 生日, date birth, birth day, "
        "客户生日, 出生年月"
    ),
    "identity_number": (
        "id number, identity card, national id, 证件号码, 证件号, 身份证, 身份证号, 身份证号码, "
        "identity no, identity card number, id card, id card no, id card number, id no, "
        "certificate number, certificate no, cert no, cert id, 证件编号, 身份证件号码, 公民身份号码, "
        "居民身份证号码"
    ),
    "phone": (
        "mobile, mobile number, mobile phone, cell phone, phone number, phone no, telephone, 手机, "
        "手机号, 手机号码, 联系电话, 联系方式, 电话, 电话号码, mobile no, mobile phone number, "
        "cellphone, cell phone number, contact number, contact phone, contact no, tel, tel no, "
        "telephone number, 移动电话, 移动电话号码, 联系手机, 预留手机号, 联系电话号码"
    ),
    "email": (
        "e-mail, mail, email address, 邮箱, 电子邮箱, 电子邮件, email id, e mail id, mail address, "
        "email addr, 邮件地址, 邮箱地址, 电子邮箱地址, 电邮"
    ),
    "education": (
        "education level, 学历, 教育程度, 文化程度, 最高学历, education status, educational level, "
        "qualification, highest education, name education type, 受教育程度, 教育水平, 客户学历"
    ),
    "monthly_income": (
        "income, monthly salary, 月收入, 收入, 月薪, income month, income monthly, applicant income, "
        "income per month, salary per month, net monthly income, 月均收入, 每月收入, 月工资, 月工资收入, "
        "家庭月收入"
    ),
    "marital_status": (
        "marital, marriage, 婚姻状况, 婚姻, married, is married, marital state, civil status, "
        "family status, name family status, 婚否, 是否已婚, 婚姻情况, 已婚"
    ),
    "children": (
        "number of children, dependents, dependent count, number of dependents, 子女数, 子女人数, "
        "子女数量, no of children, children count, num children, cnt children, kids, no of dependents, "
        "num dependents, dependants, number of dependants, 供养人数, 抚养人数, 抚养子女数, 家属人数"
    ),
    "industry": (
        "行业, 所属行业, industry type, sector, organization type, 行业类型, 行业类别, 工作行业, 单位所属行业"
    ),
    "occupation": (
        "job, job title, emp title, profession, 职业, 工作, occupation type, job type, job category, "
        "职业类型, 职业类别, 客户职业"
    ),
    "region": (
        "province, state, geography, country, addr state, 地区, 省份, 省, 区域, customer region, "
        "province name, residence country, country of residence, 所在省, 所在省份, 省市, 所在地区, 国家"
    ),
    "city": (
        "town, 城市, 所在城市, 市, city name, residence city, city of residence, 居住城市, 常住城市, 城市名称"
    ),
    "credit_limit": (
        "limit, credit line, limit bal, 授信额度, 信用额度, 授信总额, card limit, limit amount, "
        "total credit limit, total limit, 额度, 总额度, 信用卡额度, 授信金额, 固定额度"
    ),
    "household": "家庭编号, 家庭, household id, family id, 户号, 家庭号",
    "is_employee": (
        "employee, 行内员工, 是否员工, 是否本行员工, is staff, bank employee, staff flag, 员工标志, "
        "员工标识, 是否行员"
    ),
    "opened_on": (
        "customer since, open date, opened, opening date, account open date, join date, 开户日期, "
        "开户日, 开户时间, 入行日期, date opened, opened date, account opening date, account opened, "
        "customer start date, relationship start date, relationship start, onboarding date, "
        "enrolment date, registration date, member since, 首次开户日期, 开户年月日, 建户日期, "
        "建立客户日期, 客户建立日期, 入行时间, 注册日期"
    ),
    "closed_on": (
        "left on, closing date, close date, churn date, 销户日期, 销户日, closed date, date closed, "
        "exit date, attrition date, left date, account closing date, 关户日期, 流失日期, 销户时间"
    ),
    "branch": (
        "home branch, branch code, branch id, 网点, 网点号, 机构号, 机构, 开户机构, 所属机构, 归属机构, "
        "branch name, branch no, branch number, home branch code, sub branch, servicing branch, "
        "org code, institution code, 支行, 支行名称, 分支行, 开户行, 开户行名称, 开户行号, 开户支行, "
        "开户网点, 网点名称, 网点编号, 机构名称, 机构编号, 机构代码, 所属支行, 所属网点, 归属网点, "
        "管理机构, 经办机构"
    ),
    "primary_rm": (
        "relationship manager, rm, 客户经理, 客户经理工号, 主办客户经理, 管户经理, rm code, rm id, "
        "rm number, account manager, account officer, personal banker, 客户经理编号, 客户经理代码, "
        "管户人, 管户客户经理, 理财经理"
    ),
    "backup_rm": "backup, 协办客户经理, 备份客户经理, backup rm, second rm, 协管客户经理",
    "acquisition_channel": "channel, 获客渠道, 来源渠道",
    "acquisition_partner": "partner, 获客合作方",
    "acquisition_scene": "scene, 获客场景",
    "acquisition_cost": "获客成本",
}
SYNONYMS: dict[str, tuple[str, ...]] = {code: tuple(names.split(", ")) for code, names in _NAMES.items()}
KNOWN: dict[str, tuple[tuple[str, str], ...]] = {
    "kind": (
        ("p", "person"),
        ("f", "firm"),
        ("individual", "person"),
        ("company", "firm"),
        ("corporate", "firm"),
        ("个人", "person"),
        ("对私", "person"),
        ("企业", "firm"),
        ("公司", "firm"),
        ("对公", "firm"),
    ),
    "gender": (
        ("f", "female"),
        ("m", "male"),
        ("woman", "female"),
        ("man", "male"),
        ("女", "female"),
        ("男", "male"),
        ("女性", "female"),
        ("男性", "male"),
    ),
    "marital_status": (
        # Of a column called "Married". Digits are asked about: other banks count 1 married, 2 single.
        ("yes", "married"),
        ("y", "married"),
        ("no", "single"),
        ("n", "single"),
        ("是", "married"),
        ("否", "single"),
        ("unmarried", "single"),
        ("single / not married", "single"),
        ("civil marriage", "married"),
        ("widow", "divorced"),
        ("未婚", "single"),
        ("已婚", "married"),
        ("离异", "divorced"),
        ("离婚", "divorced"),
        ("丧偶", "divorced"),
        ("divorced", "divorced"),
        ("widowed", "divorced"),
        ("separated", "divorced"),
        ("never married", "single"),
    ),
    "education": (
        ("小学", "primary"),
        ("初中", "secondary"),
        ("高中", "secondary"),
        ("中专", "vocational"),
        ("大专", "vocational"),
        ("专科", "vocational"),
        ("本科", "bachelor"),
        ("学士", "bachelor"),
        ("硕士", "master"),
        ("博士", "master"),
        ("研究生", "master"),
        ("文盲", "illiterate"),
        ("uneducated", "illiterate"),
        ("primary", "primary"),
        ("secondary", "secondary"),
        ("high school", "secondary"),
        ("college", "vocational"),
        ("some college", "vocational"),
        ("tertiary", "bachelor"),
        ("university", "bachelor"),
        ("not graduate", "secondary"),
        ("graduate", "bachelor"),
        ("bachelors", "bachelor"),
        ("bachelor's", "bachelor"),
        ("post-graduate", "master"),
        ("postgraduate", "master"),
        ("masters", "master"),
        ("master's", "master"),
        ("doctorate", "master"),
        ("phd", "master"),
    ),
}
